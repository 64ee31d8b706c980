// `npm start`: the homelab example on the sandbox, from a fresh clone.
import { spawn } from "node:child_process";
import { bundle, installDependencies, root } from "./install.mjs";

installDependencies();
bundle();
// `npm start --json` reaches us as an npm setting, `npm start -- --json` as an argument.
const json = process.argv.includes("--json") || process.env.npm_config_json === "true";
const args = ["--import", "tsx", "examples/homelab/sandbox.ts", ...(json ? ["--json"] : [])];
const child = spawn(process.execPath, args, { cwd: root, stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => process.exit(signal ? 1 : (code ?? 1)));

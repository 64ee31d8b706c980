// Runs a benchmark of bench/ on the bundled packages: `node scripts/bench.mjs NAME [ARGUMENTS]`.
import { spawn } from "node:child_process";
import { bundle, installDependencies, root } from "./install.mjs";

installDependencies();
bundle();
const [name, ...args] = process.argv.slice(2);
const child = spawn(process.execPath, ["--import", "tsx", `bench/${name}.ts`, ...args], {
  cwd: root,
  stdio: "inherit",
});
child.on("exit", (code) => process.exit(code ?? 1));

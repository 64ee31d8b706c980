// `npm run test:crash`, from a fresh clone. Last line: `N passed, N failed`.
import { spawn } from "node:child_process";
import { bundle, installDependencies, programs, root } from "../../scripts/install.mjs";

installDependencies();
bundle(programs);
const args = ["--import", "tsx", "tests/crash/main.ts", ...process.argv.slice(2)];
const child = spawn(process.execPath, args, { cwd: root, stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => process.exit(signal ? 1 : (code ?? 1)));

// Runs a benchmark of bench/ on a fresh clone too: `node scripts/bench.mjs NAME [ARGUMENTS]`.
import { spawn } from "node:child_process";
import { bundle, installDependencies, root } from "./install.mjs";

const node = [process.execPath, "--import", "tsx"];
/** How each is started: on the bundled packages, or on the sources where real hosts and networks of its own can be reached. */
const starts = {
  orchestration: node,
  prepare: [
    "bash",
    "packages/testing/hosts/with-hosts.sh",
    "60",
    ...node,
    "--conditions",
    "multicloud-source",
  ],
  failover: ["bash", "bench/failover/with-network.sh", ...node, "--conditions", "multicloud-source"],
};

installDependencies();
bundle();
const [name, ...args] = process.argv.slice(2);
const [command, ...before] = starts[name];
const child = spawn(command, [...before, `bench/${name}.ts`, ...args], { cwd: root, stdio: "inherit" });
child.on("exit", (code) => process.exit(code ?? 1));

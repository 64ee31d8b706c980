// `npm run test:agent`: the agent's process on the releases of Node that people's images have. Each comes from the npm
// package `node`, into the user's cache; one that cannot be had is skipped, and said. Last line: `N passed, N failed`.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { bundle, installDependencies, programs, root } from "../../../scripts/install.mjs";

/** The default image's, and the next one with long-term support. */
const releases = ["22", "24"];
const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "multicloud");

/** Path of a release's program; `undefined` when it cannot be had. */
function nodeOf(release) {
  const folder = join(cache, `node-${release}`);
  const program = join(folder, "node_modules/node/bin/node");
  if (!existsSync(program)) {
    process.stderr.write(`agent: fetching Node ${release} …\n`);
    const args = [
      "install",
      "--prefix",
      folder,
      "--no-audit",
      "--no-fund",
      "--loglevel=error",
      `node@${release}`,
    ];
    spawnSync("npm", args, { stdio: ["ignore", 2, 2] });
  }
  const { status } = spawnSync(program, ["--version"], { stdio: "ignore" });
  return status === 0 ? program : undefined;
}

installDependencies();
bundle(programs);
const counts = { passed: 0, failed: 0, skipped: 0 };
for (const release of releases) {
  const program = nodeOf(release);
  if (!program) {
    process.stdout.write(
      `\n*** SKIPPED: the agent on Node ${release}: the npm package node@${release} cannot be had here. ***\n`,
    );
    counts.skipped += 1;
    continue;
  }
  process.stdout.write(`\nThe agent on Node ${release}\n`);
  const args = ["vitest", "run", "--project", "packages", "packages/entrypoint-agent/test/process.test.ts"];
  const { status } = spawnSync("npx", args, {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, AGENT_NODE: program },
  });
  counts[status === 0 ? "passed" : "failed"] += 1;
}
const { passed, failed, skipped } = counts;
process.stdout.write(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}\n`);
process.exit(failed > 0 ? 1 : 0);

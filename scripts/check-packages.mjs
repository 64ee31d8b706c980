// What a user of the published packages would trip over: publint and are-the-types-wrong on each package as it would be packed.
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { root } from "./install.mjs";

let failed = 0;
for (const name of readdirSync(join(root, "packages"))) {
  const cwd = join(root, "packages", name);
  for (const [tool, ...args] of [
    ["publint", "--strict"],
    ["attw", "--pack", ".", "--profile", "esm-only", "--format", "ascii"],
  ]) {
    const { status, stdout, stderr } = spawnSync("npx", [tool, ...args], { cwd, encoding: "utf8" });
    process.stdout.write(`${status === 0 ? "ok    " : "FAILED"} @multicloud/${name} ${tool}\n`);
    if (status === 0) continue;
    failed += 1;
    process.stdout.write(`${stdout}${stderr}\n`);
  }
}
process.exit(failed === 0 ? 0 : 1);

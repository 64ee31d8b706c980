// Brings a fresh clone to where scripts can run: dependencies as the lock file says, and the packages bundled.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/** Runs a command with its output shown on standard error, so that standard output stays the main program's. */
export function run(command, args, env = {}) {
  const result = spawnSync(command, args, {
    cwd: root,
    stdio: ["ignore", 2, 2],
    env: { ...process.env, ...env },
  });
  if (result.status !== 0) {
    process.stderr.write(`${command} ${args.join(" ")} failed\n`);
    process.exit(result.status ?? 1);
  }
}

/** `npm ci`, unless node_modules was made from this very lock file. */
export function installDependencies() {
  const digest = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  const stamp = join(root, "node_modules", ".multicloud-lock");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === digest) return;
  process.stderr.write("Installing dependencies (npm ci) …\n");
  run("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
  writeFileSync(stamp, digest);
}

/** Programs that travel into the cluster as one file. */
export const programs = ["@multicloud/entrypoint-agent", "@multicloud/dns-cloudflare"];

/** Bundles these packages, or all; what did not change comes from the cache. */
export function bundle(only = []) {
  process.stderr.write(`Bundling ${only.length > 0 ? only.join(", ") : "the packages"} …\n`);
  const filters = only.map((name) => `--filter=${name}`);
  run("npx", ["turbo", "run", "bundle", ...filters, "--output-logs=errors-only"], {
    TURBO_TELEMETRY_DISABLED: "1",
    DO_NOT_TRACK: "1",
  });
}

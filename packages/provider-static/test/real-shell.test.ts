import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Report, SiteContext } from "@multicloud/core/plugin";
import type { SshHost } from "@multicloud/ssh";
import { afterEach, beforeEach, expect, test } from "vitest";
import { missingOn } from "../src/missing.js";
import { isBelowSystem, releaseHost } from "../src/release.js";

// The scripts that run on hosts, run by this machine's own shell, with a dpkg that only plays.
let directory: string;
let claim: string;
const at = (...path: string[]) => join(directory, ...path);
const { signal } = new AbortController();

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "multicloud-shell-"));
  for (const path of ["bin", "packages", "root/left/deep", "root/empty"])
    await mkdir(at(path), { recursive: true });
  for (const path of ["packages/ours", "packages/needed", "packages/sudo", "root/left/deep/id", "root/file"])
    await writeFile(at(path), "");
  await program(
    "dpkg",
    `printf '%s\\n' "$*" >> ${at("dpkg.log")}
if [ ! -e ${at("locked")} ]; then : > ${at("locked")}; echo "dpkg: error: dpkg frontend lock was locked by another process" >&2; exit 2; fi
shift
for one in "$@"; do [ "$one" = needed ] || rm -f ${at("packages")}/"$one"; done
echo "dpkg: dependency problems prevent removal of needed" >&2
exit 1`,
  );
  await program("dpkg-query", `for one; do :; done; [ -e ${at("packages")}/"$one" ] && echo installed`);
  await program("sleep", "exit 0");
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const program = (name: string, script: string) =>
  writeFile(at("bin", name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });

const host = {
  address: "this machine",
  async exec(command: string) {
    if (command.startsWith("cat /etc/multicloud/claim.json"))
      return { stdout: claim, stderr: "", code: 0, signal: undefined };
    const script = command.replaceAll("/etc/multicloud", at("etc"));
    const env = { PATH: `${at("bin")}:${process.env.PATH}` };
    const { stdout, stderr, status } = spawnSync("sh", ["-c", script], { encoding: "utf8", env });
    return { stdout, stderr, code: status ?? undefined, signal: undefined };
  },
  async writeFile(_path: string, text: string) {
    claim = text;
  },
} as unknown as SshHost;

test("what is missing is found by kind", async () => {
  const boot = {
    packages: ["ours", "absent"],
    files: [at("root/file"), at("root/no file")].map((path) => ({ path, content: "" })),
    directories: [{ path: at("root") }, { path: at("no") }],
    users: [{ name: "root" }, { name: "nobody-here" }],
    leftovers: [at("root/left"), at("root/right")],
  };
  expect(await missingOn(host, [boot, { packages: ["absent"] }], signal)).toEqual({
    users: ["nobody-here"],
    packages: ["absent"],
    files: [at("root/no file")],
    directories: [at("no")],
    leftovers: [at("root/right")],
  });
});

test("what was made is removed once dpkg's lock is free; what is needed and what keeps the host reachable stays", async () => {
  const reports: Report[] = [];
  const made = {
    users: [],
    packages: ["ours", "needed", "sudo"],
    files: [at("root/file")],
    directories: [at("root"), at("root/empty")],
    leftovers: [at("root/left")],
  };
  const owner = { owner: "multicloud", cluster: "lab", site: "rack", node: "n-1", role: "worker" };
  claim = JSON.stringify({ ...owner, state: "ready", keys: {}, made });
  const context = { cluster: "lab", site: "rack", signal, report: (one: Report) => void reports.push(one) };
  await releaseHost(host, context as SiteContext, "n-1");
  expect(JSON.parse(claim).state).toBe("releasing");
  expect((await readFile(at("dpkg.log"), "utf8")).trim().split("\n")).toEqual([
    "--purge ours needed",
    "--purge ours needed",
  ]);
  expect(
    ["packages/ours", "packages/needed", "packages/sudo", "root"].map((path) => existsSync(at(path))),
  ).toEqual([false, true, true, false]);
  expect(reports).toMatchObject([
    { level: "warn", node: "n-1", message: "needed stays on the host: something else needs it" },
  ]);
});

test("a leftover is never the system itself", () => {
  const refused = ["/", "/var", "/var/lib", "/var/lib/", "/var/../etc/x", "/etc/./x", "var/lib/x", "//a/b"];
  expect(refused.filter(isBelowSystem)).toEqual([]);
  expect(isBelowSystem("/var/lib/zerotier-one")).toBe(true);
});

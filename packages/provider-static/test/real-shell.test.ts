import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { applyLock, type Report, type SiteContext } from "@multicloud/core/plugin";
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
    const script = command
      .replaceAll("/etc/multicloud", at("etc"))
      .replaceAll(applyLock.file, at("multicloud.lock"));
    const env = { PATH: `${at("bin")}:${process.env.PATH}` };
    const child = spawn("sh", ["-c", script], { env, stdio: ["ignore", "pipe", "pipe"] });
    const output = Promise.all([text(child.stdout), text(child.stderr)]);
    const [code] = await once(child, "close");
    const [stdout, stderr] = await output;
    return { stdout, stderr, code: code ?? undefined, signal: undefined };
  },
  async writeFile(_path: string, content: string) {
    claim = content;
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
    // What a killed script was writing is not there either, beside files that are.
    files: [at("root/file.mc-new"), at("root/no file"), at("root/no file.mc-new")],
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

// The lock is Linux's; who waits for it stands in /proc/locks.
const noLocks = !existsSync("/proc/locks") || spawnSync("flock", ["--version"]).status !== 0;
test.skipIf(noLocks)("a script that a cut-off run left at work is waited for", async () => {
  const made = { users: [], packages: [], files: [at("root/file")], directories: [], leftovers: [] };
  const owner = { owner: "multicloud", cluster: "lab", site: "rack", node: "n-1", role: "worker" };
  claim = JSON.stringify({ ...owner, state: "preparing", keys: {}, made });
  const lock = at("multicloud.lock");
  const script = `exec 9> ${lock}; flock 9; echo locked
until grep -q -- "-> FLOCK.*:$(stat -c %i ${lock}) " /proc/locks; do test -e ${at("over")} && exit 1; done
echo late > ${at("root/file")}`;
  const atWork = spawn("sh", ["-c", script], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(atWork, "close");
  await once(atWork.stdout, "data");
  await releaseHost(
    host,
    { cluster: "lab", site: "rack", signal, report() {} } as unknown as SiteContext,
    "n-1",
  );
  await writeFile(at("over"), "");
  expect(await ended).toEqual([0, null]);
  expect(existsSync(at("root/file"))).toBe(false);
});

test("a leftover is never the system itself", () => {
  const refused = ["/", "/var", "/var/lib", "/var/lib/", "/var/../etc/x", "/etc/./x", "var/lib/x", "//a/b"];
  expect(refused.filter(isBelowSystem)).toEqual([]);
  expect(isBelowSystem("/var/lib/zerotier-one")).toBe(true);
});

import { mkdtemp, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { directoryStore } from "./directory-store.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "multicloud-state-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const mode = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);

describe("directoryStore", () => {
  it("keeps bytes by key, private to the operator", async () => {
    const root = join(folder, "lab");
    const store = directoryStore(root);
    expect(await store.read("kubeconfig")).toBeUndefined();
    await store.write("hosts/n1.json", "{}");
    await store.write("kubeconfig", "secret");
    expect(Buffer.from((await store.read("kubeconfig"))!).toString()).toBe("secret");
    expect(await store.list("hosts/")).toEqual(["hosts/n1.json"]);
    expect([await mode(join(root, "kubeconfig")), await mode(join(root, "hosts"))]).toEqual(["600", "700"]);
    await store.clear();
    expect(await store.list("")).toEqual([]);
  });

  it("removes what a killed process left half-written, when the lock is taken", async () => {
    const store = directoryStore(folder);
    await store.write("hosts/n1.json", "{}");
    const engine = await store.directory("engine");
    const scraps = [join(folder, "hosts", "n1.json.1a2b3c4d.tmp"), join(engine, ".cluster.yml.1a2b.tmp")];
    const oldLock = join(folder, "lock.1a2b.dead");
    const newLock = join(folder, "lock.3c4d.tmp");
    for (const path of [...scraps, oldLock, newLock]) await writeFile(path, "half");
    const old = new Date(Date.now() - 120_000);
    await utimes(oldLock, old, old);
    const lock = await store.lock();
    for (const path of [...scraps, oldLock]) await expect(stat(path)).rejects.toThrow("ENOENT");
    // Somebody who asks for the lock at this moment.
    await stat(newLock);
    expect(await store.list("hosts/")).toEqual(["hosts/n1.json"]);
    await lock.release();
  });

  it("refuses keys that would leave the directory", async () => {
    await expect(directoryStore(folder).write("../x", "")).rejects.toThrow(/no state key/);
  });
});

describe("lock", () => {
  it("names its holder to the second and is free after release", async () => {
    const store = directoryStore(folder);
    const lock = await store.lock();
    await expect(store.lock()).rejects.toMatchObject({
      code: "STATE_LOCKED",
      message: expect.stringContaining(`process ${process.pid}`),
    });
    await lock.release();
    await (await store.lock()).release();
  });

  it("goes to exactly one of several that ask at once", async () => {
    const store = directoryStore(folder);
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => store.lock()));
    const won = results.filter((result) => result.status === "fulfilled");
    expect(won).toHaveLength(1);
    await won[0]!.value.release();
  });

  const place = (owner: object) =>
    writeFile(join(folder, "lock"), JSON.stringify({ id: "x", user: "u", since: "s", ...owner }));

  it("does not stay blocked by a process of this machine that is gone", async () => {
    // The largest process id of Linux (proc_sys_kernel(5)) plus one belongs to nobody.
    await place({ host: hostname(), pid: 4_194_305 });
    await (await directoryStore(folder).lock()).release();
  });

  it("does not stay blocked by another machine whose heartbeat stopped, but respects one that beats", async () => {
    await place({ host: "elsewhere", pid: 1 });
    const store = directoryStore(folder);
    await expect(store.lock()).rejects.toMatchObject({
      code: "STATE_LOCKED",
      message: expect.stringContaining("u@elsewhere"),
    });
    const old = new Date(Date.now() - 60_000);
    await utimes(join(folder, "lock"), old, old);
    const lock = await store.lock();
    expect(JSON.parse(await readFile(join(folder, "lock"), "utf8"))).toMatchObject({ host: hostname() });
    await lock.release();
  });
});

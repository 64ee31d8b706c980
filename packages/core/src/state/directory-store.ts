import { randomUUID } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join, resolve, sep } from "node:path";
import type { StateStore } from "../contracts/state-store.js";
import { MulticloudError } from "../errors/multicloud-error.js";
import { acquireLock } from "./directory-lock.js";

const keyPattern = /^[A-Za-z0-9_][A-Za-z0-9._-]*(\/[A-Za-z0-9_][A-Za-z0-9._-]*)*$/;

/**
 * State in a directory of the operator's machine: the directory is 0700, files are 0600 and replaced
 * atomically.
 *
 * @param path made when missing
 */
export function directoryStore(path: string): StateStore {
  const root = resolve(path);

  function locate(key: string): string {
    if (!keyPattern.test(key))
      throw new MulticloudError(`${JSON.stringify(key)} is no state key`, { code: "INTERNAL" });
    return join(root, ...key.split("/"));
  }

  async function write(key: string, data: string | Uint8Array): Promise<void> {
    const target = locate(key);
    await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    const temporary = `${target}.${randomUUID().slice(0, 8)}.tmp`;
    const file = await open(temporary, "wx", 0o600);
    try {
      await file.writeFile(data);
      // A pin that is lost in a power cut would lock us out of the machine.
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, target);
  }

  return {
    write,
    async read(key) {
      try {
        return await readFile(locate(key));
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw new MulticloudError(`cannot read ${locate(key)}: ${(error as Error).message}`, {
          code: "STATE_DAMAGED",
          hint: "check the owner and mode of the state directory",
          cause: error,
        });
      }
    },
    delete: (key) => rm(locate(key), { force: true }),
    async list(prefix) {
      const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
      return entries
        .filter((entry) => entry.isFile())
        .map((entry) =>
          join(entry.parentPath, entry.name)
            .slice(root.length + 1)
            .split(sep)
            .join("/"),
        )
        .filter((key) => key.startsWith(prefix) && !key.endsWith(".tmp"))
        .sort();
    },
    async directory(name) {
      const target = locate(name);
      await mkdir(target, { recursive: true, mode: 0o700 });
      return target;
    },
    path: locate,
    async lock() {
      await mkdir(root, { recursive: true, mode: 0o700 });
      const lock = await acquireLock(join(root, "lock"));
      await removeScraps(root);
      return lock;
    },
    async clear() {
      const entries = await readdir(root).catch(() => []);
      for (const entry of entries) {
        if (entry !== "lock") await rm(join(root, entry), { recursive: true, force: true });
      }
    },
  };
}

/** Another process that just asks for the lock has a temporary file too; it needs it for milliseconds. */
const lockScrapMs = 60_000;

/** Removes what a killed process did not get to rename. Only for the holder of the lock: others' writes would fail. */
async function removeScraps(root: string): Promise<void> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    const ofLock = entry.parentPath === root && /^lock\..+\.(tmp|dead)$/.test(entry.name);
    if (!entry.isFile() || !(ofLock || entry.name.endsWith(".tmp"))) continue;
    if (ofLock && (await ageOf(path)) < lockScrapMs) continue;
    await rm(path, { force: true });
  }
}

async function ageOf(path: string): Promise<number> {
  const found = await stat(path).catch(() => undefined);
  return found ? Date.now() - found.mtimeMs : 0;
}

function isMissing(error: unknown): boolean {
  return (error as { code?: string }).code === "ENOENT";
}

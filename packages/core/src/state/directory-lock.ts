import { randomUUID } from "node:crypto";
import { link, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { hostname, userInfo } from "node:os";
import type { StateLock } from "../contracts/state-store.js";
import { MulticloudError } from "../errors/multicloud-error.js";

/** The heartbeat touches the file this often; a lock untouched for `staleMs` belongs to nobody. */
const heartbeatMs = 5_000;
const staleMs = 30_000;

interface Owner {
  readonly id: string;
  readonly user: string;
  readonly host: string;
  readonly pid: number;
  readonly since: string;
}

/**
 * Takes a lock file that names its owner. A holder on this machine whose process is gone, or anywhere
 * whose heartbeat stopped, is replaced.
 */
export async function acquireLock(path: string): Promise<StateLock> {
  const owner: Owner = {
    id: randomUUID(),
    user: userInfo().username,
    host: hostname(),
    pid: process.pid,
    since: new Date().toISOString(),
  };
  for (let tries = 0; ; tries++) {
    if (await place(path, owner)) return hold(path, owner);
    const holder = await read(path);
    if (holder === undefined) continue;
    if (tries >= 10 || !(await isDead(path, holder))) throw locked(path, holder);
    await bury(path, `${path}.${owner.id}.dead`, holder);
  }
}

/** Moves a dead lock away. Renaming is atomic, so of two runs that found it dead only one gets it; whoever moved a newer lock puts it back. */
async function bury(path: string, grave: string, dead: Owner): Promise<void> {
  await rename(path, grave).catch(() => {});
  const moved = await read(grave);
  if (moved && moved.id !== dead.id) await link(grave, path).catch(() => {});
  await rm(grave, { force: true });
}

/** Makes the file with its whole content at once: a crash leaves no half-written owner. */
async function place(path: string, owner: Owner): Promise<boolean> {
  const temporary = `${path}.${owner.id}.tmp`;
  await writeFile(temporary, JSON.stringify(owner), { mode: 0o600 });
  try {
    await link(temporary, path);
    return true;
  } catch (error) {
    if ((error as { code?: string }).code !== "EEXIST") throw error;
    return false;
  } finally {
    await rm(temporary, { force: true });
  }
}

function hold(path: string, owner: Owner): StateLock {
  const lost = new AbortController();
  const beat = setInterval(async () => {
    const holder = await read(path).catch(() => undefined);
    if (holder?.id !== owner.id) {
      clearInterval(beat);
      lost.abort(
        new MulticloudError(`lost the lock ${path}${holder ? ` to ${describe(holder)}` : ""}`, {
          code: "STATE_LOCK_LOST",
          hint: "run again once the other run has ended",
        }),
      );
      return;
    }
    const now = new Date();
    await utimes(path, now, now).catch(() => {});
  }, heartbeatMs);
  beat.unref();
  return {
    lost: lost.signal,
    async release() {
      clearInterval(beat);
      const holder = await read(path).catch(() => undefined);
      if (holder?.id === owner.id) await rm(path, { force: true });
    },
  };
}

async function read(path: string): Promise<Owner | undefined> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as Owner;
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return undefined;
    throw new MulticloudError(`the lock file ${path} cannot be read`, {
      code: "STATE_DAMAGED",
      hint: "make sure that no other run is active, then remove it",
      cause: error,
    });
  }
}

async function isDead(path: string, holder: Owner): Promise<boolean> {
  if (holder.host === hostname() && !isAlive(holder.pid)) return true;
  const age =
    Date.now() -
    (await stat(path).then(
      (found) => found.mtimeMs,
      () => Date.now(),
    ));
  return age > staleMs;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: string }).code === "EPERM";
  }
}

function locked(path: string, holder: Owner): MulticloudError {
  return new MulticloudError(`another run holds the lock of this cluster: ${describe(holder)}`, {
    code: "STATE_LOCKED",
    hint: `wait until it ends; if it is certainly gone, remove ${path}`,
  });
}

function describe({ user, host, pid, since }: Owner): string {
  return `${user}@${host}, process ${pid}, since ${since}`;
}

import type { Effect, Effects } from "../world/effects.js";
import type { Disk, Inode } from "./disk.js";

/** What a file was before somebody touched it; `undefined` when it did not exist. */
export type Snapshot = Pick<Inode, "type" | "content" | "mode" | "uid" | "gid" | "target"> | undefined;

/**
 * Turns what one SSH session does to a machine into effects, one per real change and at the moment it
 * happens. Scratch files are none: what is made under a temporary name counts when it is renamed into place.
 * A truncation counts with the write that follows it, so that rewriting the same bytes is no change.
 */
export interface ChangeLog {
  /** Something other than a file: a package, a user, a unit. */
  record(kind: string, action: Effect["action"], name: string): Promise<void>;
  /** A file or directory that was made or altered. `settled: false` waits for {@link settle} (a handle that is still open). */
  touched(path: string, before: Snapshot, settled?: boolean): Promise<void>;
  renamed(from: string, to: string, replaced: Snapshot): Promise<void>;
  removed(path: string, before: Snapshot): Promise<void>;
  /** Counts what is still open, for one path or for all. */
  settle(path?: string): Promise<void>;
}

/** Places whose content no one would call configuration. */
const scratch = /^\/(tmp|var\/tmp|run|var\/run|dev|proc|sys|var\/cache|var\/log|var\/lib\/apt)(\/|$)/;
const temporaryName =
  /(^\.[^/]*[._-][^/]{6,}$|\.(tmp|new|part|partial|swp)(\.|-|$)|^tmp\.|\.multicloud|~$|\.[A-Za-z0-9]{8,}$|[.-]tmp[.-]?)/;

/** Used by cloud-init and by the machine itself: nothing counts. */
export const silentLog: ChangeLog = {
  record: async () => {},
  touched: async () => {},
  renamed: async () => {},
  removed: async () => {},
  settle: async () => {},
};

export function createChangeLog(effects: Effects, machine: () => string, disk: Disk): ChangeLog {
  const open = new Map<string, Snapshot>();

  const record = (kind: string, action: Effect["action"], name: string) =>
    effects.record({ service: "machine", kind, action, name: `${machine()}:${name}` });
  const kindOf = (entry: Snapshot) => (entry?.type === "directory" ? "directory" : "file");
  const isScratch = (path: string) => scratch.test(path);
  const isTemporary = (path: string) => temporaryName.test(path.slice(path.lastIndexOf("/") + 1));

  async function count(path: string, before: Snapshot): Promise<void> {
    const now = snapshot(disk.find(path, undefined, false));
    if (same(before, now)) return;
    if (!now) return record(kindOf(before), "delete", path);
    await record(kindOf(now), before ? "update" : "create", path);
  }

  return {
    record,
    async touched(path, before, settled = true) {
      if (isScratch(path)) return;
      const original = open.has(path) ? open.get(path) : before;
      const now = disk.find(path, undefined, false);
      const truncated = now?.type === "file" && now.content.length === 0 && original?.content.length !== 0;
      if (!settled || truncated || (original === undefined && isTemporary(path))) {
        open.set(path, original);
        return;
      }
      open.delete(path);
      await count(path, original);
    },
    async renamed(from, to, replaced) {
      const source = open.get(from);
      const sourceIsNew = open.has(from) && source === undefined;
      open.delete(from);
      const before = open.has(to) ? open.get(to) : replaced;
      open.delete(to);
      if (!isScratch(to)) await count(to, before);
      if (!sourceIsNew && !isScratch(from)) await record("file", "delete", from);
    },
    async removed(path, before) {
      if (isScratch(path)) return;
      const original = open.has(path) ? open.get(path) : before;
      open.delete(path);
      if (original) await record(kindOf(original), "delete", path);
    },
    async settle(path) {
      for (const [one, before] of [...open]) {
        if (path !== undefined && one !== path) continue;
        if (path !== undefined && before === undefined && isTemporary(one)) continue;
        open.delete(one);
        await count(one, before);
      }
    },
  };
}

export function snapshot(inode: Inode | undefined): Snapshot {
  if (!inode) return undefined;
  const { type, content, mode, uid, gid, target } = inode;
  return { type, content, mode, uid, gid, target };
}

function same(one: Snapshot, other: Snapshot): boolean {
  if (!one || !other) return one === other;
  return (
    one.type === other.type &&
    one.mode === other.mode &&
    one.uid === other.uid &&
    one.gid === other.gid &&
    one.target === other.target &&
    Buffer.compare(one.content, other.content) === 0
  );
}

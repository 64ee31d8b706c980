import type { Duplex } from "node:stream";
import { createStreamPair } from "../world/network-stream.js";
import type { Account, Accounts } from "./accounts.js";
import { type Disk, mayAccess } from "./disk.js";

/** Unix sockets that daemons of a machine listen on. */
export interface UnixSockets {
  listen(path: string, group: string, accept: (stream: Duplex) => void): () => void;
  /** Connects as a user; `undefined` when there is no socket or the user may not use it. */
  open(path: string, user: string): Duplex | undefined;
}

export function createUnixSockets(disk: Disk, accounts: Accounts): UnixSockets {
  const listeners = new Map<string, (stream: Duplex) => void>();
  const real = (path: string) => {
    try {
      return disk.realPath(path);
    } catch {
      return path;
    }
  };
  return {
    listen(path, group, accept) {
      disk.ensureDirectory(path.slice(0, path.lastIndexOf("/")) || "/");
      const own = accounts.group(group) ?? accounts.addGroup(group, true);
      disk.makeSocket(path, 0o660, own.gid);
      const key = real(path);
      listeners.set(key, accept);
      return () => {
        if (listeners.get(key) !== accept) return;
        listeners.delete(key);
        if (disk.find(key)) disk.remove(key);
      };
    },
    open(path, user) {
      const accept = listeners.get(real(path));
      const who = accounts.credentials(user);
      const inode = disk.find(path);
      if (!accept || !who || inode?.type !== "socket" || !mayAccess(inode, who, 2)) return undefined;
      const [near, far] = createStreamPair();
      accept(far);
      return near;
    },
  };
}

/** Accounts that nobody logs in to. */
export function refusesAccount(account: Account): boolean {
  return /\/(nologin|false)$/.test(account.shell);
}

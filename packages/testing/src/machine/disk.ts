/** Who asks, as the kernel knows it. */
export interface Credentials {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups and the primary one. */
  readonly groups: ReadonlySet<number>;
}

/** An entry of the emulated file system. */
export interface Inode {
  readonly number: number;
  readonly type: "file" | "directory" | "symlink" | "socket";
  mode: number;
  uid: number;
  gid: number;
  mtime: Date;
  content: Uint8Array;
  readonly target: string;
  readonly children: Map<string, Inode>;
}

export const root: Credentials = { name: "root", uid: 0, gid: 0, groups: new Set([0]) };

/** An error with a Node `code` and the message shape that shells match on. */
export function fileError(
  code: "ENOENT" | "EACCES" | "EEXIST" | "ENOTDIR" | "EISDIR" | "ENOTEMPTY" | "EPERM" | "ELOOP" | "EINVAL",
  call: string,
  path: string,
): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${reasons[code]}, ${call} '${path}'`), { code, path });
}

const reasons = {
  ENOENT: "no such file or directory",
  EACCES: "permission denied",
  EEXIST: "file already exists",
  ENOTDIR: "not a directory",
  EISDIR: "illegal operation on a directory",
  ENOTEMPTY: "directory not empty",
  EPERM: "operation not permitted",
  ELOOP: "too many levels of symbolic links",
  EINVAL: "invalid argument",
};

/** Whether someone may read (4), write (2) or search (1). Root may, but runs only what is executable for somebody. */
export function mayAccess(inode: Inode, who: Credentials, wanted: number): boolean {
  if (who.uid === 0) return wanted !== 1 || inode.type === "directory" || (inode.mode & 0o111) !== 0;
  const shift = inode.uid === who.uid ? 6 : who.groups.has(inode.gid) ? 3 : 0;
  return ((inode.mode >> shift) & wanted) === wanted;
}

/** A POSIX file system in memory: inodes with owner, group and mode, checked for whoever asks. */
export type Disk = ReturnType<typeof createDisk>;

export function createDisk() {
  let count = 1;
  const make = (
    type: Inode["type"],
    mode: number,
    who: Credentials,
    extra: Partial<Pick<Inode, "content" | "target">> = {},
  ): Inode => ({
    number: count++,
    type,
    mode,
    uid: who.uid,
    gid: who.gid,
    mtime: new Date(),
    content: extra.content ?? new Uint8Array(),
    target: extra.target ?? "",
    children: new Map(),
  });
  const top = make("directory", 0o755, root);

  /** The directory that holds the last part of a path, with symbolic links on the way followed. */
  function locate(
    path: string,
    who: Credentials,
    call: string,
    follow: boolean,
    depth = 0,
  ): { parent: Inode; name: string; inode: Inode | undefined; path: string } {
    if (depth > 20) throw fileError("ELOOP", call, path);
    const parts = splitPath(path);
    let parent = top;
    let current = top;
    const walked: string[] = [];
    for (const [index, part] of parts.entries()) {
      const last = index === parts.length - 1;
      if (current.type !== "directory") throw fileError("ENOTDIR", call, path);
      if (!mayAccess(current, who, 1)) throw fileError("EACCES", call, path);
      parent = current;
      const child = current.children.get(part);
      if (child?.type === "symlink" && (follow || !last)) {
        const rest = parts.slice(index + 1).join("/");
        const base = child.target.startsWith("/") ? child.target : `/${walked.join("/")}/${child.target}`;
        return locate(`${base}/${rest}`, who, call, follow, depth + 1);
      }
      walked.push(part);
      if (last) return { parent, name: part, inode: child, path: `/${walked.join("/")}` };
      if (!child) throw fileError("ENOENT", call, path);
      current = child;
    }
    return { parent: top, name: "", inode: top, path: "/" };
  }

  const need = (path: string, who: Credentials, call: string, follow = true): Inode => {
    const { inode } = locate(path, who, call, follow);
    if (!inode) throw fileError("ENOENT", call, path);
    return inode;
  };
  const alterable = (parent: Inode, who: Credentials, call: string, path: string, entry?: Inode) => {
    if (!mayAccess(parent, who, 2) || !mayAccess(parent, who, 1)) throw fileError("EACCES", call, path);
    const sticky = (parent.mode & 0o1000) !== 0;
    if (sticky && entry && who.uid !== 0 && entry.uid !== who.uid && parent.uid !== who.uid)
      throw fileError("EPERM", call, path);
  };

  return {
    /** The inode at a path; `undefined` when there is none. Throws `EACCES` for a directory that may not be searched. */
    find(path: string, who: Credentials = root, follow = true): Inode | undefined {
      try {
        return locate(path, who, "stat", follow).inode;
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === "ENOENT" || code === "ENOTDIR" || code === "ELOOP") return undefined;
        throw error;
      }
    },
    /** The path with all symbolic links resolved. */
    realPath: (path: string, who: Credentials = root): string => {
      const found = locate(path, who, "realpath", true);
      if (!found.inode) throw fileError("ENOENT", "realpath", path);
      return found.path;
    },
    stat: (path: string, who: Credentials = root, follow = true): Inode =>
      need(path, who, follow ? "stat" : "lstat", follow),
    read(path: string, who: Credentials = root): Uint8Array {
      const inode = need(path, who, "open");
      if (inode.type === "directory") throw fileError("EISDIR", "read", path);
      if (!mayAccess(inode, who, 4)) throw fileError("EACCES", "open", path);
      return inode.content;
    },
    /** Writes a whole file; a new one gets `mode` and belongs to the writer. */
    write(path: string, content: Uint8Array, who: Credentials = root, mode = 0o644): Inode {
      const { parent, name, inode } = locate(path, who, "open", true);
      if (inode) {
        if (inode.type === "directory") throw fileError("EISDIR", "open", path);
        if (!mayAccess(inode, who, 2)) throw fileError("EACCES", "open", path);
        inode.content = content;
        inode.mtime = new Date();
        return inode;
      }
      alterable(parent, who, "open", path);
      const made = make("file", mode, who, { content });
      parent.children.set(name, made);
      return made;
    },
    makeDirectory(path: string, who: Credentials = root, mode = 0o755): Inode {
      const { parent, name, inode } = locate(path, who, "mkdir", true);
      if (inode) throw fileError("EEXIST", "mkdir", path);
      alterable(parent, who, "mkdir", path);
      const made = make("directory", mode, who);
      parent.children.set(name, made);
      return made;
    },
    list(path: string, who: Credentials = root): string[] {
      const inode = need(path, who, "scandir");
      if (inode.type !== "directory") throw fileError("ENOTDIR", "scandir", path);
      if (!mayAccess(inode, who, 4)) throw fileError("EACCES", "scandir", path);
      return [...inode.children.keys()].sort();
    },
    link(target: string, path: string, who: Credentials = root): void {
      const { parent, name, inode } = locate(path, who, "symlink", false);
      if (inode) throw fileError("EEXIST", "symlink", path);
      alterable(parent, who, "symlink", path);
      parent.children.set(name, make("symlink", 0o777, who, { target }));
    },
    makeSocket(path: string, mode: number, gid: number): void {
      const { parent, name } = locate(path, root, "bind", true);
      const made = make("socket", mode, root);
      made.gid = gid;
      parent.children.set(name, made);
    },
    /** Removes one entry; a directory only with `recursive`. */
    remove(path: string, who: Credentials = root, recursive = false): Inode {
      const { parent, name, inode } = locate(path, who, "unlink", false);
      if (!inode) throw fileError("ENOENT", "unlink", path);
      if (inode.type === "directory" && inode.children.size > 0 && !recursive)
        throw fileError("ENOTEMPTY", "rmdir", path);
      alterable(parent, who, "unlink", path, inode);
      parent.children.delete(name);
      return inode;
    },
    /** `rename(2)`: replaces what is there, atomically. Returns what was replaced. */
    rename(from: string, to: string, who: Credentials = root): Inode | undefined {
      const source = locate(from, who, "rename", false);
      const target = locate(to, who, "rename", false);
      if (!source.inode) throw fileError("ENOENT", "rename", from);
      alterable(source.parent, who, "rename", from, source.inode);
      alterable(target.parent, who, "rename", to, target.inode);
      if (target.inode?.type === "directory" && source.inode.type !== "directory")
        throw fileError("EISDIR", "rename", to);
      if (target.inode?.type === "directory" && target.inode.children.size > 0)
        throw fileError("ENOTEMPTY", "rename", to);
      source.parent.children.delete(source.name);
      target.parent.children.set(target.name, source.inode);
      return target.inode;
    },
    setMode(path: string, mode: number, who: Credentials = root): Inode {
      const inode = need(path, who, "chmod");
      if (who.uid !== 0 && who.uid !== inode.uid) throw fileError("EPERM", "chmod", path);
      inode.mode = mode & 0o7777;
      return inode;
    },
    setOwner(
      path: string,
      uid: number | undefined,
      gid: number | undefined,
      who: Credentials = root,
      follow = true,
    ): Inode {
      const inode = need(path, who, "chown", follow);
      const own =
        inode.uid === who.uid &&
        (uid === undefined || uid === inode.uid) &&
        (gid === undefined || who.groups.has(gid));
      if (who.uid !== 0 && !own) throw fileError("EPERM", "chown", path);
      if (uid !== undefined) inode.uid = uid;
      if (gid !== undefined) inode.gid = gid;
      return inode;
    },
    setTime(path: string, mtime: Date, who: Credentials = root): void {
      need(path, who, "utime").mtime = mtime;
    },
    /** Every path, for globbing. */
    allPaths(): string[] {
      const found: string[] = [];
      const walk = (inode: Inode, path: string) => {
        for (const [name, child] of inode.children) {
          found.push(`${path}/${name}`);
          walk(child, `${path}/${name}`);
        }
      };
      walk(top, "");
      return found;
    },
    /** Makes a directory and those above it, as root. */
    ensureDirectory(path: string, mode = 0o755, who: Credentials = root): Inode {
      let at = "";
      for (const part of splitPath(path)) {
        at += `/${part}`;
        if (!this.find(at)) {
          this.makeDirectory(at, root, mode);
          this.setOwner(at, who.uid, who.gid);
        }
      }
      return this.stat(path);
    },
  };
}

/** The parts of an absolute path without `.` and `..`. */
export function splitPath(path: string): string[] {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts;
}

import { randomBytes } from "node:crypto";
import { type FileContent, type FsStat, type IFileSystem, unsafeBytesFromLatin1 } from "just-bash";
import { type ChangeLog, snapshot } from "./change-log.js";
import { type Credentials, type Disk, fileError, type Inode, splitPath } from "./disk.js";

/** A shell's view of the disk: as its user, with its umask, telling its change log. */
export interface FileView extends IFileSystem {
  umask: number;
}

/** The disk as the interpreter of shell scripts wants it. */
export function createFileView(disk: Disk, who: Credentials, changes: ChangeLog): FileView {
  const isNull = (path: string) => path === "/dev/null";

  async function put(path: string, content: Uint8Array): Promise<void> {
    if (isNull(path) || path === "/dev/stdout" || path === "/dev/stderr") return;
    const before = snapshot(disk.find(path, who));
    disk.write(path, content, who, 0o666 & ~view.umask);
    await changes.touched(real(path), before);
  }
  const real = (path: string) => {
    try {
      return disk.realPath(path);
    } catch {
      return path;
    }
  };
  const read = (path: string) => {
    if (path === "/dev/urandom" || path === "/dev/random") return new Uint8Array(randomBytes(4096));
    return isNull(path) ? new Uint8Array() : disk.read(path, who);
  };

  async function copy(from: string, to: string, recursive: boolean): Promise<void> {
    const source = disk.stat(from, who);
    if (source.type !== "directory") {
      const isNew = !disk.find(to, who);
      await put(to, disk.read(from, who));
      if (isNew) {
        const before = snapshot(disk.find(to, who));
        disk.setMode(to, source.mode & ~view.umask & 0o777, who);
        await changes.touched(real(to), before);
      }
      return;
    }
    if (!recursive) throw fileError("EISDIR", "cp", from);
    if (!disk.find(to, who)) await view.mkdir(to);
    for (const name of disk.list(from, who)) await copy(`${from}/${name}`, `${to}/${name}`, true);
  }

  const view: FileView = {
    umask: 0o022,
    readFile: async (path, options) => {
      const encoding = typeof options === "string" ? options : options?.encoding;
      const bytes = Buffer.from(read(path));
      return bytes.toString(encoding === "binary" ? "latin1" : (encoding ?? "utf8"));
    },
    readFileBytes: async (path) => unsafeBytesFromLatin1(Buffer.from(read(path)).toString("latin1")),
    readFileBuffer: async (path) => read(path),
    writeFile: (path, content, options) => put(path, toBytes(content, options)),
    appendFile: async (path, content, options) => {
      const old = disk.find(path, who)?.content ?? new Uint8Array();
      const added = toBytes(content, options);
      if (added.length === 0 && disk.find(path, who)) return void disk.write(path, old, who);
      await put(path, Buffer.concat([old, added]));
    },
    exists: async (path) => {
      try {
        return disk.find(path, who) !== undefined;
      } catch {
        return false;
      }
    },
    stat: async (path) => describe(disk.stat(path, who)),
    lstat: async (path) => describe(disk.stat(path, who, false)),
    mkdir: async (path, options) => {
      if (options?.recursive) {
        let at = "";
        for (const part of splitPath(path)) {
          at += `/${part}`;
          const existing = disk.find(at, who);
          if (!existing) await view.mkdir(at);
          else if (existing.type !== "directory") throw fileError("EEXIST", "mkdir", path);
        }
        return;
      }
      disk.makeDirectory(path, who, 0o777 & ~view.umask);
      await changes.touched(path, undefined);
    },
    readdir: async (path) => disk.list(path, who),
    readdirWithFileTypes: async (path) =>
      disk.list(path, who).map((name) => {
        const inode = disk.stat(`${path}/${name}`, who, false);
        return {
          name,
          isFile: inode.type === "file",
          isDirectory: inode.type === "directory",
          isSymbolicLink: inode.type === "symlink",
        };
      }),
    rm: async (path, options) => {
      const inode = disk.find(path, who, false);
      if (!inode) {
        if (options?.force) return;
        throw fileError("ENOENT", "rm", path);
      }
      const before = snapshot(disk.remove(path, who, options?.recursive ?? false));
      await changes.removed(path, before);
    },
    cp: (from, to, options) => copy(from, to, options?.recursive ?? false),
    mv: async (from, to) => {
      const replaced = snapshot(disk.rename(from, to, who));
      await changes.renamed(from, to, replaced);
    },
    resolvePath: (base, path) => `/${splitPath(path.startsWith("/") ? path : `${base}/${path}`).join("/")}`,
    getAllPaths: () => disk.allPaths(),
    chmod: async (path, mode) => {
      const before = snapshot(disk.stat(path, who));
      disk.setMode(path, mode, who);
      await changes.touched(real(path), before);
    },
    symlink: async (target, path) => {
      disk.link(target, path, who);
      await changes.touched(path, undefined);
    },
    link: async (from, path) => {
      if (disk.find(path, who)) throw fileError("EEXIST", "link", path);
      await put(path, disk.read(from, who));
    },
    readlink: async (path) => {
      const inode = disk.stat(path, who, false);
      if (inode.type !== "symlink") throw fileError("EINVAL", "readlink", path);
      return inode.target;
    },
    realpath: async (path) => disk.realPath(path, who),
    utimes: async (path, _atime, mtime) => disk.setTime(path, mtime, who),
  };
  return view;
}

function describe(inode: Inode): FsStat {
  return {
    isFile: inode.type === "file",
    isDirectory: inode.type === "directory",
    isSymbolicLink: inode.type === "symlink",
    mode: inode.mode,
    size: inode.type === "symlink" ? inode.target.length : inode.content.length,
    mtime: inode.mtime,
    ino: inode.number,
  };
}

function toBytes(content: FileContent, options: { encoding?: string } | string | undefined): Uint8Array {
  if (typeof content !== "string") return content;
  const encoding = (typeof options === "string" ? options : options?.encoding) ?? "utf8";
  return new Uint8Array(
    Buffer.from(content, encoding === "binary" ? "latin1" : (encoding as BufferEncoding)),
  );
}

import ssh2, { type Attributes, type FileEntry, type SFTPWrapper } from "ssh2";
import { type ChangeLog, snapshot } from "./change-log.js";
import { type Credentials, fileError, type Inode, mayAccess } from "./disk.js";
import { longMode } from "./file-mode.js";
import type { Host } from "./host.js";

const { OPEN_MODE, STATUS_CODE } = ssh2.utils.sftp;

/** One SFTP subsystem. */
export interface SftpRequest {
  readonly host: Host;
  readonly user: string;
  accept(): SFTPWrapper;
  readonly changes: ChangeLog;
}

interface Handle {
  readonly path: string;
  readonly inode: Inode;
  readonly writable: boolean;
  readonly append: boolean;
  /** Names still to be listed, for a directory. */
  names?: string[];
}

const codes: Readonly<Record<string, number>> = {
  ENOENT: STATUS_CODE.NO_SUCH_FILE,
  ENOTDIR: STATUS_CODE.NO_SUCH_FILE,
  EACCES: STATUS_CODE.PERMISSION_DENIED,
  EPERM: STATUS_CODE.PERMISSION_DENIED,
};

/**
 * SFTP version 3 as the login user, with OpenSSH's `posix-rename` and `fsync`. Changes count when a file is
 * closed or renamed into place. Like OpenSSH's, the plain rename fails when its target exists.
 */
export function serveSftp(request: SftpRequest): void {
  const { host, changes } = request;
  const { disk } = host;
  const who = host.accounts.credentials(request.user) as Credentials;
  const home = host.accounts.user(request.user)?.home ?? "/";
  const sftp = request.accept();
  announceExtensions(sftp);
  const handles = new Map<number, Handle>();
  let lastHandle = 0;
  const at = (path: string) => (path.startsWith("/") ? path : `${home}/${path}`);
  const open = (entry: Handle) => {
    lastHandle += 1;
    handles.set(lastHandle, entry);
    const id = Buffer.alloc(4);
    id.writeUInt32BE(lastHandle);
    return id;
  };
  const handleOf = (id: Buffer) => {
    const entry = handles.get(id.length === 4 ? id.readUInt32BE() : -1);
    if (!entry) throw fileError("EINVAL", "handle", "");
    return entry;
  };

  /** Answers a request after a round trip; an error becomes its status. */
  const answer = (id: number, work: () => void | Promise<void>) => {
    const run = async () => {
      await host.clock.sleep(host.timing.roundTripMs);
      try {
        await work();
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        sftp.status(id, codes[code ?? ""] ?? STATUS_CODE.FAILURE, message);
      }
    };
    // A client that closed the channel meanwhile gets no answer.
    run().catch(() => {});
  };
  const done = (id: number) => sftp.status(id, STATUS_CODE.OK);
  const change = async (path: string, attributes: Attributes, inode = disk.stat(path, who)) => {
    const before = snapshot(inode);
    if (attributes.mode !== undefined) disk.setMode(path, attributes.mode, who);
    if (attributes.uid !== undefined && attributes.gid !== undefined)
      disk.setOwner(path, attributes.uid, attributes.gid, who);
    if (attributes.mtime !== undefined) inode.mtime = new Date(attributes.mtime * 1000);
    if (attributes.size !== undefined) inode.content = inode.content.slice(0, attributes.size);
    await changes.touched(
      path,
      before,
      ![...handles.values()].some((handle) => handle.writable && handle.inode === inode),
    );
  };
  const rename = async (from: string, to: string) => {
    const replaced = snapshot(disk.rename(from, to, who));
    await changes.renamed(from, to, replaced);
  };
  const name = (filename: string, inode: Inode): FileEntry => ({
    filename,
    longname: `${longMode(inode)} 1 ${host.accounts.user(inode.uid)?.name ?? inode.uid} ${host.accounts.group(inode.gid)?.name ?? inode.gid} ${inode.content.length} Jan 1 00:00 ${filename}`,
    attrs: attributesOf(inode),
  });

  sftp.on("OPEN", (id, filename, flags, attributes) =>
    answer(id, async () => {
      const path = at(filename);
      const writable = (flags & (OPEN_MODE.WRITE | OPEN_MODE.APPEND)) !== 0;
      let inode = disk.find(path, who);
      if (inode && flags & OPEN_MODE.CREAT && flags & OPEN_MODE.EXCL) throw fileError("EEXIST", "open", path);
      if (!inode && !(flags & OPEN_MODE.CREAT)) throw fileError("ENOENT", "open", path);
      if (inode?.type === "directory") throw fileError("EISDIR", "open", path);
      if (
        inode &&
        ((writable && !mayAccess(inode, who, 2)) || (flags & OPEN_MODE.READ && !mayAccess(inode, who, 4)))
      )
        throw fileError("EACCES", "open", path);
      const before = snapshot(inode);
      if (!inode || flags & OPEN_MODE.TRUNC)
        inode = disk.write(path, new Uint8Array(), who, (attributes.mode ?? 0o666) & 0o777 & ~0o022);
      const real = disk.realPath(path);
      if (writable) await changes.touched(real, before, false);
      sftp.handle(id, open({ path: real, inode, writable, append: (flags & OPEN_MODE.APPEND) !== 0 }));
    }),
  );
  sftp.on("READ", (id, handle, offset, length) =>
    answer(id, () => {
      const { content } = handleOf(handle).inode;
      if (offset >= content.length) sftp.status(id, STATUS_CODE.EOF);
      else sftp.data(id, Buffer.from(content.subarray(offset, offset + length)));
    }),
  );
  sftp.on("WRITE", (id, handle, offset, data) =>
    answer(id, () => {
      const { inode, writable, append } = handleOf(handle);
      if (!writable) throw fileError("EACCES", "write", "");
      const start = append ? inode.content.length : offset;
      const content = new Uint8Array(Math.max(inode.content.length, start + data.length));
      content.set(inode.content);
      content.set(data, start);
      inode.content = content;
      inode.mtime = new Date();
      done(id);
    }),
  );
  sftp.on("CLOSE", (id, handle) =>
    answer(id, async () => {
      const entry = handleOf(handle);
      handles.delete(handle.readUInt32BE());
      if (entry.writable) await changes.settle(entry.path);
      done(id);
    }),
  );
  sftp.on("FSTAT", (id, handle) =>
    answer(id, () => void sftp.attrs(id, attributesOf(handleOf(handle).inode))),
  );
  sftp.on("STAT", (id, path) =>
    answer(id, () => void sftp.attrs(id, attributesOf(disk.stat(at(path), who)))),
  );
  sftp.on("LSTAT", (id, path) =>
    answer(id, () => void sftp.attrs(id, attributesOf(disk.stat(at(path), who, false)))),
  );
  sftp.on("SETSTAT", (id, path, attributes) =>
    answer(id, async () => {
      await change(disk.realPath(at(path), who), attributes);
      done(id);
    }),
  );
  sftp.on("FSETSTAT", (id, handle, attributes) =>
    answer(id, async () => {
      const { path, inode } = handleOf(handle);
      await change(path, attributes, inode);
      done(id);
    }),
  );
  sftp.on("OPENDIR", (id, path) =>
    answer(id, () => {
      const names = [".", "..", ...disk.list(at(path), who)];
      sftp.handle(
        id,
        open({ path: at(path), inode: disk.stat(at(path), who), writable: false, append: false, names }),
      );
    }),
  );
  sftp.on("READDIR", (id, handle) =>
    answer(id, () => {
      const entry = handleOf(handle);
      const batch = entry.names?.splice(0, 100) ?? [];
      if (batch.length === 0) return void sftp.status(id, STATUS_CODE.EOF);
      sftp.name(
        id,
        batch.map((one) => name(one, disk.find(`${entry.path}/${one}`, who, false) ?? entry.inode)),
      );
    }),
  );
  sftp.on("REMOVE", (id, path) =>
    answer(id, async () => {
      if (disk.stat(at(path), who, false).type === "directory") throw fileError("EISDIR", "unlink", path);
      await changes.removed(at(path), snapshot(disk.remove(at(path), who)));
      done(id);
    }),
  );
  sftp.on("RMDIR", (id, path) =>
    answer(id, async () => {
      if (disk.stat(at(path), who, false).type !== "directory") throw fileError("ENOTDIR", "rmdir", path);
      await changes.removed(at(path), snapshot(disk.remove(at(path), who)));
      done(id);
    }),
  );
  sftp.on("MKDIR", (id, path, attributes) =>
    answer(id, async () => {
      disk.makeDirectory(at(path), who, (attributes.mode ?? 0o777) & 0o777 & ~0o022);
      await changes.touched(at(path), undefined);
      done(id);
    }),
  );
  sftp.on("RENAME", (id, from, to) =>
    answer(id, async () => {
      if (disk.find(at(to), who, false)) throw fileError("EEXIST", "rename", to);
      await rename(at(from), at(to));
      done(id);
    }),
  );
  sftp.on("REALPATH", (id, path) =>
    answer(
      id,
      () =>
        void sftp.name(id, [
          {
            filename: `/${at(path)
              .split("/")
              .filter((part) => part && part !== ".")
              .join("/")}`,
            longname: "",
            attrs: attributesOf(disk.stat("/")),
          },
        ]),
    ),
  );
  sftp.on("READLINK", (id, path) =>
    answer(
      id,
      () =>
        void sftp.name(id, [
          {
            filename: disk.stat(at(path), who, false).target,
            longname: "",
            attrs: attributesOf(disk.stat("/")),
          },
        ]),
    ),
  );
  sftp.on("SYMLINK", (id, target, link) =>
    answer(id, async () => {
      disk.link(target, at(link), who);
      await changes.touched(at(link), undefined);
      done(id);
    }),
  );
  sftp.on("EXTENDED", (id, extension, data) =>
    answer(id, async () => {
      if (extension === "fsync@openssh.com") return void done(id);
      if (extension !== "posix-rename@openssh.com") return void sftp.status(id, STATUS_CODE.OP_UNSUPPORTED);
      const from = data.subarray(4, 4 + data.readUInt32BE(0));
      const to = data.subarray(8 + from.length, 8 + from.length + data.readUInt32BE(4 + from.length));
      await rename(at(from.toString("utf8")), at(to.toString("utf8")));
      done(id);
    }),
  );
  sftp.on("close", () => void changes.settle());
  sftp.on("error", () => {});
}

const fileTypes = { file: 0o100000, directory: 0o040000, symlink: 0o120000, socket: 0o140000 } as const;

function attributesOf(inode: Inode): Attributes {
  const time = Math.floor(inode.mtime.getTime() / 1000);
  return {
    mode: fileTypes[inode.type] | inode.mode,
    uid: inode.uid,
    gid: inode.gid,
    size: inode.content.length,
    atime: time,
    mtime: time,
  };
}

/** What ssh2's server does not tell its clients: that it has OpenSSH's extensions. */
function announceExtensions(sftp: SFTPWrapper): void {
  const protocol = (sftp as unknown as { _protocol: { channelData(id: number, data: Buffer): void } })
    ._protocol;
  const plain = protocol.channelData;
  const version = Buffer.from([0, 0, 0, 5, 2, 0, 0, 0, 3]);
  const field = (value: string) => Buffer.concat([Buffer.from([0, 0, 0, value.length]), Buffer.from(value)]);
  protocol.channelData = function channelData(id, data) {
    if (!data.equals(version)) return plain.call(protocol, id, data);
    protocol.channelData = plain;
    const body = Buffer.concat([
      version.subarray(4),
      ...["posix-rename@openssh.com", "fsync@openssh.com"].flatMap((one) => [field(one), field("1")]),
    ]);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(body.length);
    plain.call(protocol, id, Buffer.concat([length, body]));
  };
}

import { type AddressInfo, connect as netConnect, type Socket } from "node:net";
import ssh2, {
  type Connection,
  type ServerChannel,
  type ServerConfig,
  type Session,
  type SFTPWrapper,
} from "ssh2";
import { generateKeyPair, type KeyPair, parsePublicKey } from "../src/index.js";

const { OPEN_MODE, STATUS_CODE } = ssh2.utils.sftp;

/** What a command of the test server may do; resolves when the command is over. */
export type Command = (channel: ServerChannel, command: string) => void;

export interface TestServerOptions {
  readonly hostKeys?: readonly string[];
  readonly userKey: string;
  readonly user?: string;
  /** Commands by their first word. */
  readonly commands?: Record<string, Command>;
  readonly files?: Map<string, TestFile>;
  /** Session channels one connection may have open; further ones are refused. */
  readonly maxSessions?: number;
  readonly config?: Partial<ServerConfig>;
}

export interface TestFile {
  data: Buffer;
  mode: number;
}

export interface TestServer {
  readonly port: number;
  readonly hostKey: KeyPair;
  readonly files: Map<string, TestFile>;
  /** Names of SFTP requests and commands, in order. */
  readonly log: string[];
  /** Connections accepted so far, and sessions open now and at most. */
  readonly counts: { connections: number; open: number; sessions: number; most: number };
  /** Resets every connection, as a machine does that loses power. */
  drop(): void;
  close(): Promise<void>;
}

/** An SSH server in this process, on loopback. */
export async function testServer(options: TestServerOptions): Promise<TestServer> {
  const hostKey = generateKeyPair("host");
  const allowed = parsePublicKey(options.userKey).blob;
  const files = options.files ?? new Map<string, TestFile>();
  const log: string[] = [];
  const counts = { connections: 0, open: 0, sessions: 0, most: 0 };
  const sockets = new Set<Socket>();
  const config = { hostKeys: [...(options.hostKeys ?? [hostKey.privateKey])], ...options.config };
  const server = new ssh2.Server(config, (client: Connection) => {
    counts.connections++;
    counts.open++;
    sockets.add((client as unknown as { _sock: Socket })._sock);
    (client as Connection & { setNoDelay(): void }).setNoDelay();
    client.on("error", () => {});
    client.on("close", () => {
      counts.open--;
    });
    client.on("authentication", (context) => {
      if (context.method !== "publickey" || !context.key.data.equals(allowed))
        return context.reject(["publickey"]);
      if (options.user && context.username !== options.user) return context.reject(["publickey"]);
      context.accept();
    });
    let sessions = 0;
    client.on("session", (accept, reject) => {
      if (sessions >= (options.maxSessions ?? 10)) return void reject?.();
      sessions++;
      counts.sessions++;
      counts.most = Math.max(counts.most, counts.sessions);
      const session = accept();
      session.on("close", () => {
        sessions--;
        counts.sessions--;
      });
      serveSession(session, options, files, log);
    });
    client.on("tcpip", (accept, reject, info) => {
      const socket = netConnect(info.destPort, info.destIP);
      socket.once("error", () => reject?.());
      socket.once("connect", () => {
        socket.removeAllListeners("error");
        socket.on("error", () => {});
        const channel = accept();
        channel.on("error", () => {});
        socket.pipe(channel).pipe(socket);
        channel.on("close", () => socket.destroy());
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const drop = () => {
    for (const socket of sockets) socket.resetAndDestroy();
    sockets.clear();
  };
  return {
    port: (server.address() as AddressInfo).port,
    hostKey,
    files,
    log,
    counts,
    drop,
    close: () =>
      new Promise((resolve) => {
        drop();
        server.close(() => resolve());
      }),
  };
}

function serveSession(
  session: Session,
  options: TestServerOptions,
  files: Map<string, TestFile>,
  log: string[],
): void {
  session.on("exec", (accept, reject, info) => {
    const command = options.commands?.[info.command.split(/\s/, 1)[0] ?? ""];
    log.push(info.command);
    if (!command && !info.command.startsWith("mv ")) return void reject();
    const channel = accept();
    channel.on("error", () => {});
    if (!command) return move(channel, info.command, files);
    command(channel, info.command);
  });
  session.on("sftp", (accept) => serveFiles(accept(), files, log));
}

// ssh2's server has no posix-rename extension, so the package falls back to this.
function move(channel: ServerChannel, command: string, files: Map<string, TestFile>): void {
  const [from = "", to = ""] = command.split(" ").slice(2);
  const file = files.get(from);
  if (file) files.set(to, file);
  files.delete(from);
  channel.exit(file ? 0 : 1);
  channel.end();
}

// Only what the package uses. Opening with `wx` fails with FAILURE when the file exists, as OpenSSH's does.
function serveFiles(sftp: SFTPWrapper, files: Map<string, TestFile>, log: string[]): void {
  const open = new Map<number, { path: string; read: boolean }>();
  let handles = 0;
  const pathOf = (handle: Buffer) => open.get(handle.readUInt32BE(0))?.path ?? "";
  sftp.on("OPEN", (id, path, flags, attributes) => {
    log.push(`open ${path}`);
    const file = files.get(path);
    if (flags & OPEN_MODE.CREAT) {
      if (file && flags & OPEN_MODE.EXCL) return sftp.status(id, STATUS_CODE.FAILURE);
      if (path.startsWith("/denied/")) return sftp.status(id, STATUS_CODE.PERMISSION_DENIED);
      files.set(path, { data: Buffer.alloc(0), mode: attributes.mode ?? 0o666 });
    } else if (!file) return sftp.status(id, STATUS_CODE.NO_SUCH_FILE);
    const handle = Buffer.alloc(4);
    handle.writeUInt32BE(handles, 0);
    open.set(handles++, { path, read: false });
    sftp.handle(id, handle);
  });
  sftp.on("FSTAT", (id, handle) => {
    const file = files.get(pathOf(handle));
    sftp.attrs(id, {
      mode: file?.mode ?? 0,
      uid: 0,
      gid: 0,
      size: file?.data.length ?? 0,
      atime: 0,
      mtime: 0,
    });
  });
  sftp.on("READ", (id, handle, offset, length) => {
    const part = files.get(pathOf(handle))?.data.subarray(offset, offset + length);
    if (!part || part.length === 0) sftp.status(id, STATUS_CODE.EOF);
    else sftp.data(id, part);
  });
  sftp.on("WRITE", (id, handle, offset, data) => {
    const file = files.get(pathOf(handle));
    if (!file) return sftp.status(id, STATUS_CODE.FAILURE);
    file.data = Buffer.concat([file.data.subarray(0, offset), data]);
    log.push(`write ${file.mode.toString(8)}`);
    sftp.status(id, STATUS_CODE.OK);
  });
  sftp.on("FSETSTAT", (id, handle, attributes) => {
    const file = files.get(pathOf(handle));
    if (file && attributes.mode !== undefined) file.mode = attributes.mode;
    sftp.status(id, STATUS_CODE.OK);
  });
  sftp.on("CLOSE", (id, handle) => {
    open.delete(handle.readUInt32BE(0));
    sftp.status(id, STATUS_CODE.OK);
  });
  sftp.on("REMOVE", (id, path) => {
    log.push(`unlink ${path}`);
    sftp.status(id, files.delete(path) ? STATUS_CODE.OK : STATUS_CODE.NO_SUCH_FILE);
  });
}

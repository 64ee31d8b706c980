import { setMaxListeners } from "node:events";
import type { Duplex } from "node:stream";
import ssh2, { type AuthContext, type Connection, type ServerChannel } from "ssh2";
import type { Effects } from "../world/effects.js";
import { type ChangeLog, createChangeLog } from "./change-log.js";
import type { Host } from "./host.js";
import { hostKeyDigest, readHostKeys, strangerKey } from "./host-keys.js";
import { serveSftp } from "./sftp.js";
import { runExec } from "./ssh-exec.js";
import { refusesAccount, type UnixSockets } from "./unix-sockets.js";

/** The SSH server of one machine. */
export interface SshServer {
  accept(stream: Duplex): void;
  /** Takes the host keys that are on the disk; connections that are open keep theirs. True when they are others than before. */
  reload(): boolean;
  /** Cuts every connection. */
  close(): void;
}

/** What the server is told about its machine. */
export interface SshServerOptions {
  readonly host: Host;
  readonly effects: Effects;
  readonly sockets: UnixSockets;
  /** Whether it shall pose as somebody else now. */
  isImpostor(): boolean;
}

/** OpenSSH's default. */
const maxSessions = 10;

/** sshd_config's defaults on a cloud image: public keys only, forwarding allowed. */
export function createSshServer(options: SshServerOptions): SshServer {
  const { host } = options;
  let server: InstanceType<typeof ssh2.Server> | undefined;
  let impostor: InstanceType<typeof ssh2.Server> | undefined;
  let served = "";
  const streams = new Set<Duplex>();

  function start(hostKeys: string[]): InstanceType<typeof ssh2.Server> {
    const made = new ssh2.Server(
      { hostKeys, ident: "OpenSSH_9.2p1 Debian-2+deb12u3", keepaliveInterval: 0 },
      (connection) => serve(connection, options),
    );
    made.on("error", () => {});
    return made;
  }

  return {
    accept(stream) {
      streams.add(stream);
      stream.once("close", () => streams.delete(stream));
      stream.on("error", () => stream.destroy());
      // An SSH client never half-closes: its end is the end.
      stream.once("end", () => stream.destroy());
      let chosen: InstanceType<typeof ssh2.Server> | undefined;
      if (options.isImpostor()) {
        impostor ??= start([strangerKey()]);
        chosen = impostor;
      } else {
        if (!server) {
          const keys = readHostKeys(host.disk);
          if (keys.length === 0) return void stream.destroy();
          served = hostKeyDigest(host.disk);
          server = start(keys);
        }
        chosen = server;
      }
      chosen.injectSocket(stream as Parameters<typeof chosen.injectSocket>[0]);
    },
    reload() {
      const now = hostKeyDigest(host.disk);
      const changed = served !== "" && served !== now;
      served = now;
      server = undefined;
      return changed;
    },
    close() {
      for (const stream of streams) stream.destroy();
      server = undefined;
    },
  };
}

function serve(connection: Connection, options: SshServerOptions): void {
  const { host } = options;
  let user = "";
  let sessions = 0;
  const changesOf = (): ChangeLog => createChangeLog(options.effects, () => host.hostname(), host.disk);

  connection.on("error", () => {});
  connection.on("authentication", (context) => {
    if (!mayLogIn(host, context)) return context.reject(["publickey"]);
    user = context.username;
    // One round trip for the offer and its answer.
    void host.clock.sleep(host.timing.roundTripMs).then(() => context.accept());
  });
  connection.on("ready", () => {
    const gone = new AbortController();
    setMaxListeners(0, gone.signal);
    connection.once("end", () => gone.abort());
    connection.once("close", () => gone.abort());
    connection.on("session", (accept, reject) => {
      if (sessions >= maxSessions) return reject();
      sessions += 1;
      const session = accept();
      session.on("close", () => {
        sessions -= 1;
      });
      const environment = new Map<string, string>();
      session.on(
        "env",
        (agree: (() => void) | undefined, _refuse: unknown, info: { key: string; val: string }) => {
          if (/^(LANG|LC_\w+)$/.test(info.key)) environment.set(info.key, info.val);
          agree?.();
        },
      );
      session.on("pty", (agree: (() => void) | undefined) => agree?.());
      const run = (channel: ServerChannel, command: string | undefined) =>
        void runExec({
          host,
          user,
          channel,
          session,
          command,
          env: Object.fromEntries(environment),
          changes: changesOf(),
          gone: gone.signal,
        });
      session.on("exec", (agree: () => ServerChannel, _refuse: unknown, info: { command: string }) =>
        run(agree(), info.command),
      );
      session.on("shell", (agree: () => ServerChannel) => run(agree(), undefined));
      session.on("sftp", (agree: Parameters<typeof serveSftp>[0]["accept"]) =>
        serveSftp({ host, user, accept: agree, changes: changesOf() }),
      );
    });
    connection.on("tcpip", (accept, reject, info) => {
      host.machine.dial({ host: info.destIP, port: info.destPort }).then(
        (stream) => join(stream, accept()),
        () => reject(),
      );
    });
    connection.on("openssh.streamlocal", (accept, reject, info) => {
      const socket = options.sockets.open(info.socketPath, user);
      if (!socket) return reject();
      join(socket, accept());
    });
  });
}

function join(stream: Duplex, channel: ServerChannel | undefined): void {
  if (!channel) return void stream.destroy();
  stream.on("error", () => channel.destroy?.());
  channel.on("error", () => stream.destroy());
  channel.once("close", () => stream.destroy());
  stream.pipe(channel).pipe(stream);
}

/** Public key authentication against `~/.ssh/authorized_keys`, with sshd's StrictModes. */
function mayLogIn(host: Host, context: AuthContext): boolean {
  if (context.method !== "publickey") return false;
  const { accounts, disk } = host;
  const account = accounts.user(context.username);
  if (!account || refusesAccount(account)) return false;
  const file = disk.find(`${account.home}/.ssh/authorized_keys`);
  const folder = disk.find(`${account.home}/.ssh`);
  for (const inode of [file, folder]) {
    if (!inode || (inode.mode & 0o022) !== 0 || (inode.uid !== account.uid && inode.uid !== 0)) return false;
  }
  for (const line of Buffer.from(file?.content ?? [])
    .toString("utf8")
    .split("\n")) {
    const match = /(?:^|\s)((?:ssh|ecdsa|sk)-\S+)\s+(\S+)/.exec(line.trim());
    if (
      !match ||
      line.trim().startsWith("#") ||
      !Buffer.from(match[2] as string, "base64").equals(context.key.data)
    )
      continue;
    const key = ssh2.utils.parseKey(`${match[1]} ${match[2]}`);
    if (key instanceof Error) continue;
    const parsed = Array.isArray(key) ? key[0] : key;
    if (!context.signature) return true;
    return parsed.verify(context.blob as Buffer, context.signature, context.hashAlgo) === true;
  }
  return false;
}

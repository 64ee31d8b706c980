import { type AddressInfo, createServer, type Socket } from "node:net";
import type { Place } from "./network.js";
import type { World } from "./world.js";

/** A running SOCKS5 proxy into the sandbox. */
export interface SocksServer {
  /** `socks5://127.0.0.1:<port>`. */
  readonly url: string;
  close(): Promise<void>;
}

/** Reply codes of RFC 1928, section 6. */
const reply = {
  succeeded: 0,
  failure: 1,
  hostUnreachable: 4,
  refused: 5,
  ttlExpired: 6,
  commandNotSupported: 7,
  addressNotSupported: 8,
} as const;

const replyByCode: Readonly<Record<string, number>> = {
  ECONNREFUSED: reply.refused,
  EHOSTUNREACH: reply.hostUnreachable,
  ENOTFOUND: reply.hostUnreachable,
  ETIMEDOUT: reply.ttlExpired,
};

/**
 * Lets a real process into the sandbox's network: a SOCKS5 server (RFC 1928, CONNECT, no authentication) on
 * loopback. It dials from `from`; the default is an operator somewhere in the internet. A refused connection
 * is answered with 5, an unreachable host with 4, a timeout with 6.
 */
export async function startSocks(world: Pick<World, "network">, from: Place = {}): Promise<SocksServer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    serve(world, from, socket).catch(() => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  server.unref();
  return {
    url: `socks5://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

async function serve(world: Pick<World, "network">, from: Place, socket: Socket): Promise<void> {
  const read = createReader(socket);
  const [version, methodCount] = await read(2);
  if (version !== 5) return void socket.destroy();
  const methods = await read(methodCount ?? 0);
  if (!methods.includes(0)) return void socket.end(Buffer.from([5, 0xff]));
  socket.write(Buffer.from([5, 0]));

  const [, command, , addressType] = await read(4);
  const answer = (code: number) => socket.write(Buffer.from([5, code, 0, 1, 0, 0, 0, 0, 0, 0]));
  const host = await readAddress(read, addressType);
  if (host === undefined) {
    answer(reply.addressNotSupported);
    return void socket.end();
  }
  const port = (await read(2)).readUInt16BE(0);
  if (command !== 1) {
    answer(reply.commandNotSupported);
    return void socket.end();
  }
  const gone = new AbortController();
  socket.once("close", () => gone.abort());
  try {
    const stream = await world.network.dial(from, { host, port }, gone.signal);
    answer(reply.succeeded);
    stream.on("error", () => socket.destroy());
    stream.once("close", () => socket.destroySoon());
    socket.once("close", () => stream.destroy());
    socket.pipe(stream).pipe(socket);
  } catch (error) {
    answer(replyByCode[(error as NodeJS.ErrnoException).code ?? ""] ?? reply.failure);
    socket.end();
  }
}

type Reader = (bytes: number) => Promise<Buffer>;

/** Reads exact amounts, leaving the rest in the socket for whoever pipes it on. */
function createReader(socket: Socket): Reader {
  return async (bytes) => {
    while (true) {
      const chunk = bytes === 0 ? Buffer.alloc(0) : (socket.read(bytes) as Buffer | null);
      if (chunk?.length === bytes) return chunk;
      if (socket.destroyed || socket.readableEnded) throw new Error("the client went away");
      await new Promise<void>((resolve) => {
        const settle = () => {
          for (const event of ["readable", "end", "close"]) socket.off(event, settle);
          resolve();
        };
        for (const event of ["readable", "end", "close"]) socket.once(event, settle);
      });
    }
  };
}

async function readAddress(read: Reader, type: number | undefined): Promise<string | undefined> {
  if (type === 1) return [...(await read(4))].join(".");
  if (type === 3) return (await read((await read(1))[0] ?? 0)).toString("utf8");
  if (type !== 4) return undefined;
  const bytes = await read(16);
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16));
  return new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1);
}

import { connect, createServer, type Socket } from "node:net";

export interface SocksServerOptions {
  /** What the proxy's name service knows. */
  readonly names?: Record<string, string>;
  readonly user?: string;
  readonly password?: string;
  /** Answers every request with this reply (RFC 1928 §6) instead of connecting. */
  readonly reply?: number;
  /** Claims to be connected, and sends this in the same packet. */
  readonly greeting?: string;
  /** Never answers. */
  readonly silent?: boolean;
}

/** A SOCKS5 proxy on loopback for CONNECT, with or without a password (RFC 1928, RFC 1929). */
export async function socksServer(options: SocksServerOptions) {
  const asked: { host: string; port: number }[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    if (options.silent) return;
    let state: "hello" | "login" | "request" = "hello";
    const onData = (data: Buffer) => {
      if (state === "hello") {
        state = options.user ? "login" : "request";
        socket.write(Buffer.from([5, options.user ? 2 : 0]));
      } else if (state === "login") {
        const userEnd = 2 + (data[1] ?? 0);
        const login = `${data.toString("utf8", 2, userEnd)}:${data.toString("utf8", userEnd + 1)}`;
        state = "request";
        socket.write(Buffer.from([1, login === `${options.user}:${options.password}` ? 0 : 1]));
      } else {
        socket.off("data", onData);
        serve(socket, data);
      }
    };
    socket.on("data", onData);
  });

  function serve(socket: Socket, data: Buffer): void {
    const named = data[3] === 3;
    const host = named ? data.toString("utf8", 5, 5 + (data[4] ?? 0)) : data.subarray(4, 8).join(".");
    const port = data.readUInt16BE(data.length - 2);
    asked.push({ host, port });
    const answer = (reply: number) => Buffer.from([5, reply, 0, 1, 0, 0, 0, 0, 0, 0]);
    if (options.reply !== undefined) return void socket.write(answer(options.reply));
    if (options.greeting) return void socket.write(Buffer.concat([answer(0), Buffer.from(options.greeting)]));
    const upstream = connect(port, options.names?.[host] ?? host);
    upstream.on("error", () => socket.destroy());
    upstream.on("connect", () => {
      socket.write(answer(0));
      upstream.pipe(socket).pipe(upstream);
    });
    socket.on("close", () => upstream.destroy());
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as { port: number }).port,
    asked,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(resolve);
      }),
  };
}

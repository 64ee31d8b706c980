import { connect, createServer, type Socket } from "node:net";
import { framed, unframe } from "../test/server-messages.js";

/** Stands between a plugin and a name server: hears each change, and may be deaf. */
export interface Relay {
  readonly port: number;
  /** Tells of each update that the server took, before the plugin hears of it. Returns a function that stops it. */
  onUpdate(listener: () => void | Promise<void>): () => void;
  /** Cuts the connection of the next update: before the server has it, or after that but before its answer. */
  cutUpdate(when: "before" | "after"): void;
  /** Ends every connection from now on, or no longer. */
  setAway(isAway: boolean): void;
  close(): Promise<void>;
}

const isUpdate = (message: Buffer) => ((message[2]! >> 3) & 15) === 5;
const isTaken = (answer: Buffer) => (answer[3]! & 15) === 0;

/** Starts one before the server at this port. */
export async function startRelay(serverPort: number): Promise<Relay> {
  const sockets = new Set<Socket>();
  const listeners = new Set<() => void | Promise<void>>();
  let cut: "before" | "after" | undefined;
  let isAway = false;

  const server = createServer((client) => {
    const upstream = connect(serverPort, "127.0.0.1");
    const hangUp = () => [client, upstream].map((socket) => socket.destroy());
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket
        .on("error", () => {})
        .on("close", () => {
          sockets.delete(socket);
          hangUp();
        });
    }
    let cutsAnswer = false;
    onMessages(client, (message) => {
      if (isAway) return hangUp();
      if (isUpdate(message) && cut !== undefined) {
        const when = cut;
        cut = undefined;
        if (when === "before") return hangUp();
        cutsAnswer = true;
      }
      return upstream.write(framed(message));
    });
    onMessages(upstream, async (answer) => {
      if (isUpdate(answer) && isTaken(answer)) for (const listener of [...listeners]) await listener();
      if (cutsAnswer) return hangUp();
      return client.write(framed(answer));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as { readonly port: number }).port,
    onUpdate(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    cutUpdate(when) {
      cut = when;
    },
    setAway(away) {
      isAway = away;
      if (away) for (const socket of sockets) socket.destroy();
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function onMessages(socket: Socket, handle: (message: Buffer) => unknown): void {
  let received: Buffer = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    const { messages, rest } = unframe(Buffer.concat([received, chunk]));
    received = rest;
    for (const message of messages) handle(message);
  });
}

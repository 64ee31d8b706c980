import { Duplex } from "node:stream";
import type { Channel } from "ssh2";

/**
 * A forwarded channel that behaves like a socket: `close` always comes, `destroy` closes the channel, and the
 * end of the connection is an `ECONNRESET`. ssh2's own stream never emits `close` unless it is read to its
 * end, and forgets the callbacks of writes to a closed channel.
 */
export function tunnel(channel: Channel, ended: AbortSignal): Duplex {
  const duplex = new Duplex({
    allowHalfOpen: false,
    read: () => void channel.resume(),
    write: (chunk, _encoding, done) => void channel.write(chunk, done),
    final: (done) => {
      channel.end();
      done();
    },
    destroy: (error, done) => {
      ended.removeEventListener("abort", onEnded);
      // What still arrives is nobody's; it has to be read for ssh2 to finish the channel.
      channel.resume();
      if (!ended.aborted) channel.close();
      done(error);
    },
  });
  const onEnded = () => {
    const reset = Object.assign(
      new Error("the SSH connection under this stream ended", { cause: ended.reason }),
      {
        code: "ECONNRESET",
      },
    );
    duplex.destroy(reset);
  };
  channel.pause();
  channel.on("data", (chunk: Buffer) => {
    if (!duplex.destroyed && !duplex.push(chunk)) channel.pause();
  });
  channel.on("end", () => {
    if (!duplex.destroyed) duplex.push(null);
  });
  channel.on("error", (error: Error) => duplex.destroy(error));
  channel.on("close", () => {
    if (duplex.readableEnded) duplex.destroy();
    else duplex.once("end", () => duplex.destroy());
  });
  ended.addEventListener("abort", onEnded, { once: true });
  return duplex;
}

import type { Duplex } from "node:stream";
import type { CallContext, DialTarget } from "@multicloud/core/plugin";
import { idOf } from "./wire.js";

/** A TCP connection to a name server, used by one question after the other. */
export interface Connection {
  /** Sends one message and gives the answer with its id. Rejects with an `Error` of {@link SilentServer} kind when there is none. */
  ask(message: Buffer): Promise<Buffer>;
  close(): void;
}

/** Says that no answer came, and whether the question may have arrived. */
export class SilentServer extends Error {
  constructor(
    message: string,
    /** False when nothing can have arrived: there was no connection. */
    readonly mayHaveArrived: boolean,
    cause?: unknown,
  ) {
    super(message, { cause });
    this.name = "SilentServer";
  }
}

/**
 * Opens a connection. Messages over TCP begin with their length (RFC 1035 §4.2.2). Updates are sent over TCP
 * only: a datagram can come twice, and the caller's dialer (a proxy, a jump host) carries streams.
 */
export async function openConnection(
  context: CallContext,
  target: DialTarget,
  timeoutMs: number,
): Promise<Connection> {
  const stream = await context
    .dialer(target, { signal: context.signal, timeoutMs })
    .catch((error: unknown) => {
      context.signal.throwIfAborted();
      throw new SilentServer(error instanceof Error ? error.message : String(error), false, error);
    });
  // Errors reach whoever waits for an answer; between two questions nobody does.
  stream.on("error", () => {});
  return {
    ask: (message) => ask(stream, message, context.signal, timeoutMs),
    close: () => void stream.destroy(),
  };
}

function ask(stream: Duplex, message: Buffer, signal: AbortSignal, timeoutMs: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0);
    const lost = (why: string, cause?: unknown) =>
      end(() => reject(new SilentServer(why, true, cause)), true);
    const timer = setTimeout(() => lost(`no answer within ${Math.round(timeoutMs / 1000)} s`), timeoutMs);
    const onAbort = () => end(() => reject(signal.reason), true);
    const onError = (error: Error) => lost(error.message, error);
    const onClose = () => lost("the server closed the connection without an answer");
    const onData = (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const answer = received.subarray(2, 2 + received.readUInt16BE(0));
        received = received.subarray(2 + answer.length);
        // Only an answer (the header's first bit) with our id is one to this question.
        if (answer.length >= 12 && idOf(answer) === idOf(message) && (answer[2]! & 0x80) !== 0) {
          return end(() => resolve(answer), false);
        }
      }
    };
    function end(finish: () => void, broken: boolean) {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      stream.off("data", onData).off("error", onError).off("close", onClose).off("end", onClose);
      if (broken) stream.destroy();
      finish();
    }
    if (signal.aborted) return onAbort();
    if (stream.destroyed) return onClose();
    signal.addEventListener("abort", onAbort, { once: true });
    stream.on("data", onData).on("error", onError).on("close", onClose).on("end", onClose);
    const length = Buffer.alloc(2);
    length.writeUInt16BE(message.length);
    stream.write(Buffer.concat([length, message]));
  });
}

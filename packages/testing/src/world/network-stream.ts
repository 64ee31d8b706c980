import { Duplex } from "node:stream";

/** One end of an emulated TCP connection. */
export interface StreamEnd extends Duplex {
  /** Addresses as a `net.Socket` names them; SSH servers look at them. */
  remoteAddress: string;
  remotePort: number;
  /** Stops all delivery in both directions, as a cut cable does. */
  freeze(): void;
  setNoDelay(): StreamEnd;
  setKeepAlive(): StreamEnd;
  setTimeout(): StreamEnd;
}

/**
 * Two connected byte streams. What is written at one end is read at the other, with backpressure (a write
 * completes when the reader took it) and half-close (ending one direction leaves the other open). An end that
 * is destroyed with an error resets its peer (`ECONNRESET`); without one, the peer sees the end of the stream.
 */
export function createStreamPair(): readonly [StreamEnd, StreamEnd] {
  const left = new PipeEnd();
  const right = new PipeEnd();
  left.peer = right;
  right.peer = left;
  return [left, right];
}

/** The one class here: Node's streams are extended, not composed. */
class PipeEnd extends Duplex implements StreamEnd {
  peer!: PipeEnd;
  remoteAddress = "";
  remotePort = 0;
  private frozen = false;
  private ended = false;
  /** Completes the peer's write once this end's reader has room. */
  private resumeWriter: (() => void) | undefined;

  constructor() {
    super({ allowHalfOpen: true, emitClose: true });
  }

  freeze(): void {
    this.frozen = true;
    this.peer.frozen = true;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  setTimeout(): this {
    return this;
  }

  override _read(): void {
    const resume = this.resumeWriter;
    this.resumeWriter = undefined;
    resume?.();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    // Not in this tick: no network hands data over while the writer is still writing, and ssh2 relies on that.
    process.nextTick(() => {
      if (this.frozen) return;
      if (this.peer.destroyed || this.peer.ended) done(socketError("EPIPE", "write EPIPE"));
      else if (this.peer.push(chunk)) done();
      else this.peer.resumeWriter = done;
    });
  }

  override _final(done: (error?: Error) => void): void {
    if (this.frozen) return;
    this.peer.finishReading();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.resumeWriter?.();
    this.resumeWriter = undefined;
    const peer = this.peer;
    if (!peer.destroyed && !this.frozen) {
      // Not in this tick: the peer may be destroying us, and listeners of `error` come first.
      setImmediate(() => {
        if (peer.destroyed) return;
        if (error) peer.destroy(socketError("ECONNRESET", "read ECONNRESET"));
        else peer.finishReading();
      });
    }
    done(error);
  }

  private finishReading(): void {
    if (this.ended || this.destroyed) return;
    this.ended = true;
    this.push(null);
  }
}

/** An error as Node's sockets raise it. */
export function socketError(code: string, message: string): NodeJS.ErrnoException {
  return Object.assign(new Error(message), { code });
}

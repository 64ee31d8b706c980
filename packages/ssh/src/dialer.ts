import type { Duplex } from "node:stream";

/** Where to connect to: a host name or an IP address, and a TCP port. */
export interface DialTarget {
  readonly host: string;
  readonly port: number;
}

/** Bounds of one connection attempt. */
export interface DialOptions {
  readonly signal?: AbortSignal;
  /** Give up after this many milliseconds. */
  readonly timeoutMs?: number;
}

/**
 * Opens a byte stream to an address. The same shape as the `Dialer` of `@multicloud/core`. Rejects with an
 * `Error` that carries Node's `code` (`ECONNREFUSED`, `EHOSTUNREACH`, `ETIMEDOUT`), or with the signal's
 * reason.
 */
export type Dialer = (target: DialTarget, options?: DialOptions) => Promise<Duplex>;

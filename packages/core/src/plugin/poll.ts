import { MulticloudError } from "../errors/multicloud-error.js";
import { delay } from "./delay.js";

/** Options of {@link poll}. */
export interface PollOptions<T> {
  /** What is waited for, for the timeout's message: `the droplet to become active`. */
  readonly what: string;
  /** Looks once; `undefined` means not yet. An error ends the wait. */
  check(signal: AbortSignal): Promise<T | undefined>;
  /** Milliseconds between the end of one look and the start of the next. */
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Site and node for the error. */
  readonly site?: string;
  readonly node?: string;
  readonly hint?: string;
}

/** Looks at once and then at intervals until there is a result. Rejects with `TIMEOUT` after `timeoutMs`, or with the signal's reason. */
export async function poll<T>(options: PollOptions<T>): Promise<T> {
  const deadline = AbortSignal.timeout(options.timeoutMs);
  const signal = AbortSignal.any([options.signal, deadline]);
  try {
    for (;;) {
      signal.throwIfAborted();
      const result = await options.check(signal);
      if (result !== undefined) return result;
      await delay(options.intervalMs, signal);
    }
  } catch (error) {
    if (!deadline.aborted || options.signal.aborted) throw error;
    throw new MulticloudError(`waited ${Math.round(options.timeoutMs / 1000)} s for ${options.what}`, {
      code: "TIMEOUT",
      site: options.site,
      node: options.node,
      hint: options.hint,
      cause: error,
    });
  }
}

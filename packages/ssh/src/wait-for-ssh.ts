import { setTimeout as delay } from "node:timers/promises";
import { type ConnectOptions, connect } from "./connect.js";
import type { SshHost } from "./remote-host.js";
import { SshError } from "./ssh-error.js";

/** One failed attempt of {@link waitForSsh}. */
export interface SshAttempt {
  /** From 1. */
  readonly attempt: number;
  readonly error: SshError;
  /** Since the start of the wait. */
  readonly elapsedMs: number;
}

/** Options of {@link waitForSsh}. */
export interface WaitForSshOptions extends ConnectOptions {
  /** How long to try, from the call on. */
  readonly deadlineMs: number;
  /** Mean pause between two attempts; each is up to a quarter shorter or longer. Default 1 000. */
  readonly intervalMs?: number;
  /**
   * Try again after `HOST_KEY_MISMATCH` and `AUTH_FAILED` of the host itself too: until cloud-init has placed
   * the host key and the user's key, a booting machine answers with its image's. Default false.
   */
  readonly retryDuringBoot?: boolean;
  /** Called after each failed attempt that will be followed by another or by the deadline. */
  onAttempt?(attempt: SshAttempt): void;
}

/**
 * Connects to a host that may still be booting: tries again while nothing answers (`UNREACHABLE`, `TIMEOUT`),
 * until `deadlineMs`; then rejects with the last error. Other errors, and wrong keys of a jump host, reject at
 * once, an abort with the signal's reason.
 */
export async function waitForSsh(options: WaitForSshOptions): Promise<SshHost> {
  const {
    deadlineMs,
    intervalMs = 1000,
    retryDuringBoot = false,
    connectTimeoutMs = 10_000,
    signal,
  } = options;
  const started = performance.now();
  let last: SshError | undefined;
  for (let attempt = 1; ; attempt++) {
    const left = deadlineMs - (performance.now() - started);
    try {
      return await connect({
        ...options,
        connectTimeoutMs: Math.max(1, Math.min(connectTimeoutMs, left)),
      });
    } catch (error) {
      if (!SshError.isInstance(error) || !mayPass(error, retryDuringBoot)) throw error;
      // An attempt that only the deadline cut short says less than the one before.
      const cutShort = left < connectTimeoutMs && (error.code === "TIMEOUT" || error.reason === "ETIMEDOUT");
      if (!last || !cutShort) last = error;
      const elapsedMs = performance.now() - started;
      options.onAttempt?.({ attempt, error, elapsedMs });
      const pause = intervalMs * (0.75 + Math.random() / 2);
      if (elapsedMs + pause >= deadlineMs) throw gaveUp(last, attempt, elapsedMs);
      await delay(pause, undefined, signal && { signal }).catch((aborted: unknown) => {
        signal?.throwIfAborted();
        throw aborted;
      });
    }
  }
}

function mayPass(error: SshError, retryDuringBoot: boolean): boolean {
  if (error.code === "UNREACHABLE" || error.code === "TIMEOUT" || error.code === "CLOSED") return true;
  // A jump host is up already: what it refuses now, it will refuse later.
  if (!retryDuringBoot || error.hop?.jump) return false;
  return error.code === "HOST_KEY_MISMATCH" || error.code === "AUTH_FAILED";
}

function gaveUp(last: SshError, attempts: number, elapsedMs: number): SshError {
  const tries = attempts === 1 ? "1 attempt" : `${attempts} attempts`;
  return new SshError(`${last.message} (gave up after ${tries} in ${Math.round(elapsedMs / 1000)} s)`, {
    ...last,
    code: last.code,
    cause: last,
  });
}

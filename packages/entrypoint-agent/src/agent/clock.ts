/** Time as the agent sees it, so that tests can hold it still. */
export interface AgentClock {
  /** Milliseconds that only ever grow; nothing to do with the time of day. All that is decided is decided by it. */
  now(): number;
  /** Time of day, for what people read. It may be wrong by any amount. */
  date(): Date;
  /** Rejects with the signal's reason when it aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The process' own time. */
export const systemClock: AgentClock = {
  now: () => performance.now(),
  date: () => new Date(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      }, ms);
      signal?.addEventListener("abort", onAbort, { once: true });
    }),
};

/** Runs `work` and aborts it after `ms`; rejects then with a `TimeoutError`, even when `work` does not listen. */
export async function within<T>(
  clock: AgentClock,
  ms: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const stop = new AbortController();
  const onAbort = () => stop.abort(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  const done = new AbortController();
  const late = clock.sleep(ms, done.signal).then(
    () => stop.abort(new DOMException(`no answer within ${ms} ms`, "TimeoutError")),
    () => {},
  );
  try {
    return await Promise.race([
      work(stop.signal),
      new Promise<never>((_, reject) => {
        stop.signal.addEventListener("abort", () => reject(stop.signal.reason), { once: true });
      }),
    ]);
  } finally {
    signal.removeEventListener("abort", onAbort);
    done.abort();
    await late;
  }
}

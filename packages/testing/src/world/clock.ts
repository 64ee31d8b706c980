/** The sandbox's time. Everything that takes time in the emulated world takes `scale` times as long in reality. */
export interface Clock {
  /** Virtual milliseconds since the epoch. */
  now(): number;
  /** Waits virtual milliseconds; rejects with the signal's reason when it aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls back after virtual milliseconds; returns a function that cancels. Does not keep the process alive. */
  after(ms: number, callback: () => void): () => void;
  readonly scale: number;
  /** Cancels all that is pending. */
  stop(): void;
}

/** @param scale real seconds per virtual second: 1 is real time, 0.1 ten times as fast, 0 makes everything happen at once. */
export function createClock(scale: number): Clock {
  const started = Date.now();
  const pending = new Set<() => void>();

  function after(ms: number, callback: () => void): () => void {
    const cancel = () => {
      clearTimeout(timer);
      pending.delete(cancel);
    };
    const timer = setTimeout(() => {
      pending.delete(cancel);
      callback();
    }, ms * scale);
    timer.unref();
    pending.add(cancel);
    return cancel;
  }

  return {
    scale,
    now: () => (scale === 0 ? Date.now() : started + (Date.now() - started) / scale),
    after,
    sleep(ms, signal) {
      if (ms <= 0 && !signal?.aborted) return Promise.resolve();
      return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const onAbort = () => {
          cancel();
          reject(signal?.reason);
        };
        const cancel = after(ms, () => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        });
        signal?.addEventListener("abort", onAbort, { once: true });
      });
    },
    stop() {
      for (const cancel of [...pending]) cancel();
    },
  };
}

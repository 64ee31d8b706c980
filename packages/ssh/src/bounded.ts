/** What may end a wait early. */
export interface Bounds<T> {
  /** Each ends the wait with its reason. */
  readonly signals: readonly (AbortSignal | undefined)[];
  /** Needs `timeoutError`. */
  readonly timeoutMs?: number | undefined;
  timeoutError?(): Error;
  /** Called once when the wait ended early, to stop what was started. */
  cancel?(): void;
  /** Takes what arrived after the wait had ended, so that nothing leaks. */
  discard?(late: T): void;
}

/** Waits for `start()`, but no longer than the bounds allow. Nothing is started when a signal has already fired. */
export function bounded<T>(start: () => Promise<T>, bounds: Bounds<T>): Promise<T> {
  // A joint signal takes no listener place on its sources: many calls may share one, and Node warns at eleven.
  const signal = AbortSignal.any(bounds.signals.filter((each) => each !== undefined));
  if (signal.aborted) return Promise.reject(signal.reason);
  return new Promise<T>((resolve, reject) => {
    let settled = false;
    let timer: NodeJS.Timeout | undefined;
    const settle = () => {
      settled = true;
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    };
    const giveUp = (reason: unknown) => {
      if (settled) return;
      settle();
      reject(reason);
      bounds.cancel?.();
    };
    const onAbort = () => giveUp(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    if (bounds.timeoutMs !== undefined) {
      timer = setTimeout(() => giveUp(bounds.timeoutError?.()), Math.max(0, bounds.timeoutMs));
    }
    start().then(
      (value) => {
        if (settled) return bounds.discard?.(value);
        settle();
        resolve(value);
      },
      (error: unknown) => {
        if (settled) return;
        settle();
        reject(error);
      },
    );
  });
}

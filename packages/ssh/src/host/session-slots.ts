/** Places for session channels; sshd opens only so many on one connection (`MaxSessions`, default 10). */
export interface SessionSlots {
  /** Waits for a place, first come first served; rejects with the signal's reason. Call the result once to give it back. */
  acquire(signal: AbortSignal): Promise<() => void>;
  /** The server opened no more than those that are open now: do not ask for more. False when that would leave no place. */
  shrink(): boolean;
}

/** A bound on session channels of one connection. */
export function sessionSlots(limit: number): SessionSlots {
  let places = limit;
  let taken = 0;
  const waiting: (() => void)[] = [];
  const next = () => {
    while (taken < places && waiting.length > 0) waiting.shift()?.();
  };
  const take = () => {
    taken++;
    let returned = false;
    return () => {
      if (returned) return;
      returned = true;
      taken--;
      next();
    };
  };
  return {
    acquire(signal) {
      if (signal.aborted) return Promise.reject(signal.reason);
      if (taken < places && waiting.length === 0) return Promise.resolve(take());
      return new Promise((resolve, reject) => {
        const start = () => {
          signal.removeEventListener("abort", onAbort);
          resolve(take());
        };
        const onAbort = () => {
          waiting.splice(waiting.indexOf(start), 1);
          reject(signal.reason);
        };
        waiting.push(start);
        signal.addEventListener("abort", onAbort, { once: true });
      });
    },
    shrink() {
      // The one that was refused still holds its place.
      if (taken <= 1) return false;
      places = Math.min(places, taken - 1);
      return true;
    },
  };
}

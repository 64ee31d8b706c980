import { delay } from "@multicloud/core/plugin";

const windowMs = 1000;

/** Waits until one more request may be sent; what it resolves with is to be called when its answer is there. */
export type Pace = (signal: AbortSignal) => Promise<() => void>;

/**
 * Lets at most `perSecond` requests reach the service within any second; the ones beyond wait, first come first
 * served. When a request arrives is not known here, only that it does before its answer: so the second is
 * counted from the answer, and no delay on the way can bring more requests together.
 */
export function createPace(perSecond: number): Pace {
  // A bad number is a problem of the options, which are checked elsewhere; it must not hang a request.
  let untaken = perSecond >= 1 ? perSecond : 1;
  // When each place that was taken may be taken again, soonest first.
  const free: number[] = [];
  const waiting: ((from: number) => void)[] = [];
  const give = (from: number) => {
    const next = waiting.shift();
    if (next) next(from);
    else free.push(from);
  };

  function place(signal: AbortSignal): Promise<number> {
    if (untaken >= 1) {
      untaken -= 1;
      return Promise.resolve(Number.NEGATIVE_INFINITY);
    }
    const from = free.shift();
    if (from !== undefined) return Promise.resolve(from);
    return new Promise((resolve, reject) => {
      const leave = () => {
        waiting.splice(waiting.indexOf(take), 1);
        reject(signal.reason as Error);
      };
      const take = (from: number) => {
        signal.removeEventListener("abort", leave);
        resolve(from);
      };
      signal.addEventListener("abort", leave, { once: true });
      waiting.push(take);
    });
  }

  return async (signal) => {
    signal.throwIfAborted();
    const from = await place(signal);
    try {
      const wait = from - performance.now();
      if (wait > 0) await delay(wait, signal);
    } catch (error) {
      give(from);
      throw error;
    }
    return () => give(performance.now() + windowMs);
  };
}

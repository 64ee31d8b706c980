/** One run that all current callers wait for. */
interface Flight<T> {
  readonly result: Promise<T>;
  readonly controller: AbortController;
  waiting: number;
}

/**
 * Lets any number of callers wait for the same work: whoever comes while it is under way joins it. A caller
 * that aborts leaves alone; only when the last one has left is the work itself aborted.
 */
export function shareRun<C extends { readonly signal: AbortSignal }, T>(
  run: (call: C) => Promise<T>,
): (call: C) => Promise<T> {
  let flight: Flight<T> | undefined;

  function start(call: C): Flight<T> {
    const controller = new AbortController();
    const started: Flight<T> = {
      controller,
      waiting: 0,
      result: run({ ...call, signal: controller.signal }).finally(() => {
        if (flight === started) flight = undefined;
      }),
    };
    // Every caller may have left by the time it fails.
    started.result.catch(() => {});
    return started;
  }

  return (call) =>
    new Promise((resolve, reject) => {
      if (call.signal.aborted) return reject(call.signal.reason);
      // A signal of its own for each wait: hundreds of listeners on the caller's would look like a leak.
      const own = AbortSignal.any([call.signal]);
      flight ??= start(call);
      const joined = flight;
      joined.waiting += 1;
      const leave = () => {
        joined.waiting -= 1;
        if (joined.waiting === 0) {
          if (flight === joined) flight = undefined;
          joined.controller.abort(call.signal.reason);
        }
        reject(call.signal.reason);
      };
      own.addEventListener("abort", leave, { once: true });
      joined.result.finally(() => own.removeEventListener("abort", leave)).then(resolve, reject);
    });
}

/**
 * Lets whoever waits before it tries again wait a hundredth of its time, in this process, until the returned function
 * is called. Waits below a tenth of a second stay as they are.
 */
export function shortenWaits(): () => void {
  const real = globalThis.setTimeout;
  const short = (callback: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) =>
    real(callback, ms >= 100 ? ms / 100 : ms, ...args);
  globalThis.setTimeout = Object.assign(short, real) as typeof setTimeout;
  return () => {
    globalThis.setTimeout = real;
  };
}

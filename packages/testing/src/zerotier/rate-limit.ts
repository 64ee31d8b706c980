import type { Clock } from "../world/clock.js";

/** Counts requests of the last virtual second; true when one more is too many. A refused request counts as well. */
export function createRateLimit(clock: Clock, perSecond: number): () => boolean {
  const times: number[] = [];
  return () => {
    const now = clock.now();
    while (times.length > 0 && times[0]! <= now - 1000) times.shift();
    times.push(now);
    return times.length > perSecond;
  };
}

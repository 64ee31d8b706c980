import type { Clock } from "../world/clock.js";
import { createSlidingWindow } from "../world/sliding-window.js";
import { refuse } from "./envelope.js";

const windowMs = 300_000;

/** Limit of all calls of the account. */
export interface RateLimit {
  /** Default 1,200. */
  readonly perFiveMinutes?: number;
}

/**
 * Cloudflare's limit in virtual time: whoever goes over it is refused everything for the next five minutes.
 * What the headers tell a caller is in the caller's own time, since that is what it can wait.
 */
export function createRateLimit(clock: Clock, limit: RateLimit) {
  const quota = limit.perFiveMinutes ?? 1200;
  const window = createSlidingWindow(quota, windowMs);
  let blockedUntil = 0;
  const realSeconds = (virtualMs: number) => Math.max(1, Math.ceil((virtualMs * clock.scale) / 1000));

  /** Counts one request; gives the headers of its answer or throws the 429. */
  return function count(): Record<string, string> {
    const now = clock.now();
    const policy = { "ratelimit-policy": `"default";q=${quota};w=${windowMs / 1000}` };
    if (now >= blockedUntil) {
      const state = window.take(now);
      if (state.allowed) {
        return {
          ...policy,
          ratelimit: `"default";r=${state.remaining};t=${realSeconds(state.resetAt - now)}`,
        };
      }
      blockedUntil = now + windowMs;
    }
    const seconds = realSeconds(blockedUntil - now);
    throw refuse(429, 971, "Please wait and consider throttling your request speed", undefined, {
      ...policy,
      ratelimit: `"default";r=0;t=${seconds}`,
      "retry-after": String(seconds),
    });
  };
}

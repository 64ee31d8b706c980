/** What a limit says of one request. */
export interface WindowState {
  readonly allowed: boolean;
  /** Requests that may still be made. */
  readonly remaining: number;
  /** Virtual time at which the oldest counted request stops counting. */
  readonly resetAt: number;
}

/** A rate limit that forgets each request one window after it was made. */
export interface SlidingWindow {
  /** Counts a request made at `now` (virtual milliseconds), unless the limit is reached. */
  take(now: number): WindowState;
}

/** @param limit requests allowed in any span of `windowMs` virtual milliseconds. */
export function createSlidingWindow(limit: number, windowMs: number): SlidingWindow {
  let made: number[] = [];
  return {
    take(now) {
      made = made.filter((at) => at > now - windowMs);
      const allowed = made.length < limit;
      if (allowed) made.push(now);
      return { allowed, remaining: limit - made.length, resetAt: (made[0] ?? now) + windowMs };
    },
  };
}

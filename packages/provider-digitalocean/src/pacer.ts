import { delay } from "@multicloud/core/plugin";

// A longer pause that the service asks for is not slept through: its own 429 is the answer.
const longestPauseMs = 60_000;
const windowMs = 60_000;

/** Spreads requests so that the limits are not run into. */
export interface Pacer {
  /** Waits until a request may be sent, and counts it. */
  turn(signal: AbortSignal): Promise<void>;
  /** Counts a request that is sent without a turn: a retry, which has waited already. */
  count(): void;
  /** Learns from an answer's headers. */
  observe(status: number, headers: Headers): void;
}

/**
 * The first half of the requests of a minute goes out at once, the rest evenly over what is left of it. The
 * headers tell of the hourly limit only, so the burst limit has to be counted here.
 *
 * @param perMinute requests that the token may make in any minute.
 */
export function createPacer(perMinute: number, now: () => number = Date.now): Pacer {
  // Times at which requests went or will go out, in order.
  let slots: number[] = [];
  let blockedUntil = 0;

  /** The earliest time for one more request. */
  function slot(at: number): number {
    slots = slots.filter((time) => time > at - windowMs);
    if (slots.length < perMinute / 2) return at;
    const free = perMinute - slots.length;
    const oldest = slots[0] ?? at;
    if (free > 0) return Math.max(at, slots.at(-1) ?? at) + Math.max(0, oldest + windowMs - at) / free;
    return (slots[slots.length - perMinute] ?? at) + windowMs;
  }

  return {
    async turn(signal) {
      const at = now();
      const mine = Math.max(slot(at), blockedUntil - at > longestPauseMs ? 0 : blockedUntil);
      slots.push(mine);
      if (mine > at) await delay(mine - at, signal);
    },
    count: () => {
      slots.push(now());
    },
    observe(status, headers) {
      const seconds = (name: string) => {
        const value = headers.get(name);
        return value !== null && /^\d+$/.test(value) ? Number(value) : undefined;
      };
      const retryAfter = seconds("retry-after");
      if (status === 429 && retryAfter !== undefined) blockedUntil = now() + retryAfter * 1000;
      const reset = seconds("ratelimit-reset");
      if (seconds("ratelimit-remaining") === 0 && reset !== undefined) blockedUntil = reset * 1000;
    },
  };
}

import { delay } from "@multicloud/core/plugin";

// A longer pause that the service asks for is not slept through: its own 429 is the answer.
const longestPauseMs = 60_000;
const windowMs = 60_000;
// Of the hour's requests, the last tenth is not spent faster than it comes back.
const scarceShare = 0.1;

/** Spreads requests so that the limits are not run into. */
export interface Pacer {
  /** Waits until a request may be sent, and counts it. `onWait` hears of a wait before it begins, in milliseconds. */
  turn(signal: AbortSignal, onWait?: (ms: number) => void): Promise<void>;
  /** Counts a request that is sent without a turn: a retry, which has waited already. */
  count(): void;
  /** Learns from an answer's headers. */
  observe(status: number, headers: Headers): void;
}

/**
 * Some of the requests of a minute go out at once, the rest evenly over what is left of it: the
 * burst limit is in no header, so it has to be counted here. The hourly limit is read from the headers: when
 * a tenth of it is left, what is left is spread over the time until the service counts requests off again
 * (`ratelimit-reset`: when the oldest request expires).
 *
 * @param perMinute requests that the token may make in any minute.
 * @param atOnce of them, how many may go out at once. Default: half.
 */
export function createPacer(
  perMinute: number,
  now: () => number = Date.now,
  atOnce: number = perMinute / 2,
): Pacer {
  // Times at which requests went or will go out, in order.
  let slots: number[] = [];
  let blockedUntil = 0;
  let scarce: { left: number; readonly until: number } | undefined;

  /** The earliest time for one more request. */
  function slot(at: number): number {
    slots = slots.filter((time) => time > at - windowMs);
    if (slots.length < atOnce) return at;
    const free = perMinute - slots.length;
    const oldest = slots[0] ?? at;
    if (free > 0) return Math.max(at, slots.at(-1) ?? at) + Math.max(0, oldest + windowMs - at) / free;
    return (slots[slots.length - perMinute] ?? at) + windowMs;
  }

  /** The earliest time that the hourly limit leaves for one more request. */
  function frugal(at: number): number {
    if (!scarce || scarce.left === 0 || scarce.until <= at) return at;
    const last = Math.max(at, slots.at(-1) ?? at);
    const gap = (scarce.until - last) / (scarce.left + 1);
    if (gap > longestPauseMs) return at;
    scarce.left -= 1;
    return last + Math.max(0, gap);
  }

  return {
    async turn(signal, onWait) {
      const at = now();
      const blocked = blockedUntil - at > longestPauseMs ? at : blockedUntil;
      const mine = Math.max(slot(at), frugal(at), blocked);
      slots.push(mine);
      if (mine <= at) return;
      onWait?.(mine - at);
      await delay(mine - at, signal);
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
      const left = seconds("ratelimit-remaining");
      const limit = seconds("ratelimit-limit");
      if (left === undefined || reset === undefined) return;
      if (left === 0) blockedUntil = reset * 1000;
      scarce = limit !== undefined && left < limit * scarceShare ? { left, until: reset * 1000 } : undefined;
    },
  };
}

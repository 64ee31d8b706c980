import { delay } from "@multicloud/core/plugin";

// More than a second, because requests that left a second apart may arrive closer together, and a refusal costs more.
const windowMs = 1150;

/** Waits until one more request may be sent. */
export type Pace = (signal: AbortSignal) => Promise<void>;

/** Lets at most `perSecond` requests start within any second; the ones beyond wait, first come first served. */
export function createPace(perSecond: number): Pace {
  const starts: number[] = [];
  return async (signal) => {
    signal.throwIfAborted();
    const now = Date.now();
    while (starts.length > 0 && starts[0]! <= now - windowMs) starts.shift();
    const before = starts.length >= perSecond ? starts[starts.length - perSecond]! : undefined;
    const start = before === undefined ? now : Math.max(now, before + windowMs);
    starts.push(start);
    if (start > now) await delay(start - now, signal);
  };
}

import type { AgentClock } from "../src/agent/clock.js";

/**
 * Time that moves only when nothing is going on: real calls to the emulators take none of it, so that a
 * minute of five agents takes a second or two and a busy machine changes nothing.
 */
export interface VirtualTime {
  now(): number;
  /** A clock of one machine, whose time of day is wrong by `skewMs`. */
  clock(skewMs?: number): AgentClock;
  /** Real work during which time stands still. */
  still<T>(work: () => Promise<T>): Promise<T>;
  /** Called after everything that happens. */
  onStep(check: () => void): void;
  /** Lets so much time pass. */
  pass(ms: number): Promise<void>;
  /** Lets time pass until something holds; gives how much passed. Throws after `limitMs`. */
  until(what: string, holds: () => boolean, limitMs?: number): Promise<number>;
}

export function virtualTime(): VirtualTime {
  let now = 1_000_000;
  let order = 0;
  let timers: { at: number; order: number; fire: () => void }[] = [];
  let busy = 0;
  let afterStep = () => {};
  let idle: (() => void) | undefined;

  function sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = () => {
        timers = timers.filter((other) => other !== timer);
        reject(signal?.reason);
      };
      order += 1;
      const timer = {
        at: now + Math.max(0, ms),
        order,
        fire: () => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        },
      };
      timers.push(timer);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** Until all that could happen at this moment has happened. */
  async function settle(): Promise<void> {
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      if (busy === 0) return;
      await new Promise<void>((resolve) => (idle = resolve));
    }
  }

  /** Goes to the next moment at which something is due, but not beyond `end`. */
  async function step(end: number): Promise<void> {
    await settle();
    const next = timers.reduce((first, timer) => Math.min(first, timer.at), end);
    now = Math.max(now, next);
    const due = timers.filter(({ at }) => at <= now).sort((a, b) => a.at - b.at || a.order - b.order);
    timers = timers.filter((timer) => !due.includes(timer));
    for (const timer of due) timer.fire();
    await settle();
    afterStep();
  }

  return {
    now: () => now,
    clock: (skewMs = 0) => ({
      now: () => now,
      date: () => new Date(Date.UTC(2026, 0, 1) + now + skewMs),
      sleep,
    }),
    async still(work) {
      busy += 1;
      try {
        return await work();
      } finally {
        busy -= 1;
        if (busy === 0) idle?.();
      }
    },
    onStep(check) {
      afterStep = check;
    },
    async pass(ms) {
      const end = now + ms;
      while (now < end) await step(end);
    },
    async until(what, holds, limitMs = 60_000) {
      const from = now;
      while (!holds()) {
        if (now - from >= limitMs) throw new Error(`${what}: not within ${limitMs} ms`);
        await step(from + limitMs);
      }
      return now - from;
    },
  };
}

import { type Health, newHealth, observe } from "@multicloud/core/plugin";
import { type AgentClock, within } from "./clock.js";
import type { AgentTiming } from "./settings.js";

/** Asks one address whether it works; resolves to false, or rejects, when it does not. */
export type Probe = (address: string, signal: AbortSignal) => Promise<boolean>;

/** Agents speak up every `alertMs` while something looks wrong; after so many of these all have been heard. */
const voicesLag = 3;

/** Keeps asking a set of addresses. */
export interface Prober {
  /** Asks exactly these from now on. */
  follow(addresses: Iterable<string>): void;
  health(address: string): Health | undefined;
  /** What this agent is sure of. */
  sees(): Readonly<Record<string, "up" | "down">>;
  /** Whether an address fails or hangs at this moment, or died so lately that others may not have said so yet: none to turn to. */
  doubts(address: string): boolean;
  /** Whether something changed or may be changing. */
  suspects(): boolean;
  /** Probes made and failed so far. */
  readonly counts: { probes: number; failures: number };
  /** Resolves when nothing goes on any more; the signal given at creation has aborted. */
  ended(): Promise<void>;
}

/** What a prober needs. */
export interface ProberParts {
  readonly clock: AgentClock;
  readonly timing: AgentTiming;
  readonly signal: AbortSignal;
  readonly probe: Probe;
  /** Whether the address is this node's site's. Seen from inside, a router may not answer at all. */
  isOwn(address: string): boolean;
  random(): number;
  /** Something changed that others may want to know. */
  onChange(): void;
}

export function createProber(parts: ProberParts): Prober {
  const { clock, timing, signal, probe } = parts;
  const counts = { probes: 0, failures: 0 };
  const followed = new Map<
    string,
    { health: Health; hanging: boolean; stop: AbortController; pause: AbortController; ended: Promise<void> }
  >();
  const running = new Set<Promise<void>>();

  function start(address: string) {
    const stop = new AbortController();
    const bounded = AbortSignal.any([signal, stop.signal]);
    const entry = {
      health: newHealth(clock.now()),
      hanging: false,
      stop,
      pause: new AbortController(),
      ended: Promise.resolve(),
    };
    let answeredFrom = Number.NEGATIVE_INFINITY;

    /** What is lost is seldom lost alone: all others are asked at once. */
    function suspect(): void {
      for (const other of followed.values()) if (other !== entry) other.pause.abort();
    }

    /** One probe. A failure is worth nothing once a probe that began later was answered. */
    async function ask(): Promise<boolean> {
      const startedAt = clock.now();
      counts.probes += 1;
      const ok = await within(clock, timing.probeTimeoutMs, bounded, (s) => probe(address, s)).catch(
        () => false,
      );
      if (bounded.aborted) return ok;
      if (!ok) counts.failures += 1;
      if (ok) answeredFrom = Math.max(answeredFrom, startedAt);
      else if (startedAt < answeredFrom) return ok;
      const before = entry.health;
      entry.health = observe(before, ok, clock.now(), timing);
      if (ok) entry.hanging = false;
      if (before.failed === 0 && entry.health.failed === 1) suspect();
      if (before.status !== entry.health.status || (before.failed === 0) !== (entry.health.failed === 0))
        parts.onChange();
      return ok;
    }

    async function run(): Promise<void> {
      const asked = new Set<Promise<unknown>>();
      while (!bounded.aborted) {
        let settled = false;
        const asking: Promise<unknown> = ask().finally(() => {
          settled = true;
          asked.delete(asking);
        });
        asked.add(asking);
        await clock.sleep(timing.suspectMs, bounded).catch(() => {});
        if (!settled && !entry.hanging) {
          entry.hanging = true;
          suspect();
          parts.onChange();
        }
        const { status, failed, since } = entry.health;
        // One that is known to be dead is no news: it is asked at leisure.
        const isNews = !settled || failed > 0;
        const isOld = status === "down" && clock.now() - since > 5 * timing.probeIntervalMs;
        if (isNews && !isOld) continue;
        const pause = timing.probeIntervalMs * (0.9 + 0.2 * parts.random()) - timing.suspectMs;
        if (bounded.aborted) break;
        entry.pause = new AbortController();
        const onAbort = () => entry.pause.abort();
        bounded.addEventListener("abort", onAbort, { once: true });
        await clock.sleep(Math.max(0, pause), entry.pause.signal).catch(() => {});
        bounded.removeEventListener("abort", onAbort);
      }
      await Promise.allSettled(asked);
    }

    entry.ended = run();
    running.add(entry.ended);
    void entry.ended.finally(() => running.delete(entry.ended));
    return entry;
  }

  return {
    counts,
    follow(addresses) {
      const wanted = new Set(addresses);
      for (const [address, entry] of followed) {
        if (wanted.has(address)) continue;
        entry.stop.abort();
        followed.delete(address);
      }
      for (const address of wanted) if (!followed.has(address)) followed.set(address, start(address));
    },
    health: (address) => followed.get(address)?.health,
    sees() {
      const sees: Record<string, "up" | "down"> = {};
      for (const [address, { health }] of [...followed].sort(([a], [b]) => (a < b ? -1 : 1))) {
        // Never seen alive from its own site: that says more about the router than about the address.
        if (health.status === "unknown" || (!health.everUp && parts.isOwn(address))) continue;
        sees[address] = health.status;
      }
      return sees;
    },
    doubts(address) {
      const entry = followed.get(address);
      if (!entry) return false;
      const { status, failed, since } = entry.health;
      // Once all have had the time to say what they see, the majority knows better than this agent.
      if (status === "down") return clock.now() - since < voicesLag * timing.alertMs;
      return entry.hanging || failed > 0;
    },
    suspects() {
      const recently = clock.now() - 5 * timing.probeIntervalMs;
      return [...followed.values()].some(({ health, hanging }) =>
        health.status === "down" ? health.since > recently : hanging || health.failed > 0,
      );
    },
    async ended() {
      await Promise.allSettled(running);
    },
  };
}

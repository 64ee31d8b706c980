import type { Lease } from "./leases.js";
import { type Observation, observationAnnotation, parseObservation } from "./observation.js";
import type { AgentTiming } from "./settings.js";

/** An agent as this one knows it. */
export interface KnownAgent {
  readonly name: string;
  readonly observation: Observation;
  readonly heard: boolean;
  /** It raised the alarm a moment ago. */
  readonly alarms: boolean;
}

/** The leases as they were seen, each with the local time at which it was seen to change. */
export interface Board {
  /** Takes a list in. */
  look(leases: readonly Lease[], now: number): void;
  /** The other agents. While in alert for long enough, only those count as heard that spoke up since. */
  agents(now: number, alertSince: number | undefined): readonly KnownAgent[];
  lease(name: string): { readonly lease: Lease; readonly changedAt: number } | undefined;
  /** When looking began, or began again after a gap. */
  readonly lookingSince: number | undefined;
  /** Whether lists are coming in. */
  looks(now: number): boolean;
  /** Whether they have been for long enough to know who can be heard. */
  settled(now: number): boolean;
}

/** How long agents have to speak up once something looks wrong: two looks and a sign of life. */
const speakUpMs = (timing: AgentTiming) => 2 * timing.lookMs + 0.5 * timing.alertMs;

// Another API server may show an older version again; that is no sign of life.
const versionsKept = 8;

/**
 * Judges leases by when this process saw them change, never by the times in them: clocks of nodes may be
 * wrong by hours (client-go does the same, k8s.io/client-go/tools/leaderelection).
 *
 * @param agentPrefix what the names of the agents' leases begin with
 */
export function createBoard(timing: AgentTiming, agentPrefix: string, self: string): Board {
  interface Entry {
    lease: Lease;
    versions: string[];
    changedAt: number;
    observation: Observation | undefined;
  }
  const entries = new Map<string, Entry>();
  let lookedAt = Number.NEGATIVE_INFINITY;
  let lookingSince: number | undefined;

  const looks = (now: number) => now - lookedAt <= 3 * timing.lookMs;

  return {
    looks,
    get lookingSince() {
      return lookingSince;
    },
    look(leases, now) {
      if (!looks(now)) lookingSince = now;
      lookedAt = now;
      const names = new Set(leases.map(({ name }) => name));
      for (const name of entries.keys()) if (!names.has(name)) entries.delete(name);
      for (const lease of leases) {
        const known = entries.get(lease.name);
        if (known?.versions.includes(lease.version)) continue;
        entries.set(lease.name, {
          lease,
          versions: [lease.version, ...(known?.versions ?? [])].slice(0, versionsKept),
          changedAt: now,
          observation: parseObservation(lease.annotations[observationAnnotation]),
        });
      }
    },
    agents(now, alertSince) {
      const asked = Math.max(alertSince ?? Number.POSITIVE_INFINITY, lookingSince ?? now);
      const patience =
        now - asked >= speakUpMs(timing) ? 3.5 * timing.alertMs : timing.calmMs + 3 * timing.lookMs;
      return [...entries.values()].flatMap(({ lease, changedAt, observation }) => {
        if (!observation || !lease.name.startsWith(agentPrefix) || lease.holder === self) return [];
        const age = now - changedAt;
        const alarms = observation.suspects && age <= 3.5 * timing.alertMs;
        return [{ name: lease.holder, observation, heard: age <= patience, alarms }];
      });
    },
    lease: (name) => entries.get(name),
    // Those that were cut off too come back a little later, and then speak up.
    settled: (now) => looks(now) && lookingSince !== undefined && now - lookingSince >= 2 * speakUpMs(timing),
  };
}

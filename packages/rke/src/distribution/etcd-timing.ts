import type { EngineContext, EngineNode } from "@multicloud/core/plugin";
import { MulticloudError } from "@multicloud/core/plugin";
import type { DistributionSettings } from "./options.js";

/** etcd's timing, in milliseconds. It is the same on all members. */
export interface EtcdTiming {
  readonly heartbeatMs: number;
  readonly electionMs: number;
}

/** What both distributions use by themselves: enough for round trips up to 500 ms. */
export const defaultTiming: EtcdTiming = { heartbeatMs: 500, electionMs: 5_000 };

/** From here on the API gets slow: every write waits for a majority of the masters. */
const slowMs = 100;

// etcd refuses longer elections ("Tuning" in etcd's documentation).
const longestElectionMs = 50_000;

/**
 * Timing for masters that are this far apart: a heartbeat of at least the round trip, and an election of
 * ten heartbeats, so at least ten round trips ("Tuning" in etcd's documentation).
 */
export function timingFor(roundTripMs: number): EtcdTiming {
  const heartbeatMs = Math.max(defaultTiming.heartbeatMs, Math.ceil(roundTripMs / 100) * 100);
  return { heartbeatMs, electionMs: Math.min(heartbeatMs * 10, longestElectionMs) };
}

/** The slower of two: timing is only ever raised, for each change restarts every master. */
export function slower(one: EtcdTiming, other: EtcdTiming): EtcdTiming {
  return one.electionMs >= other.electionMs ? one : other;
}

/**
 * Measures how far the masters are apart over the overlay, as the average of five pings for each pair.
 * Reads only. `undefined` when no pair could be measured, and with a single master.
 *
 * @throws MulticloudError `OVERLAY_FAILED` when they are further apart than the options allow
 */
export async function measureRoundTrip(
  settings: DistributionSettings,
  context: EngineContext,
  masters: readonly EngineNode[],
): Promise<number | undefined> {
  const rows = await Promise.all(
    masters.map(async (from, index) => {
      const others = masters.slice(index + 1);
      if (others.length === 0) return [];
      const script = others
        .map(({ overlayAddress }) => `ping -n -q -c 5 -i 0.2 -W 2 ${overlayAddress} | tail -n 1`)
        .join("; echo; ");
      const { stdout } = await from.host.exec(script, { signal: context.signal, timeoutMs: 60_000 });
      const lines = stdout.split("\n").filter((line) => line.trim() !== "");
      return others.map((to, position) => ({ from, to, ms: averageOf(lines[position] ?? "") }));
    }),
  );
  const pairs = rows.flat();
  for (const { from, to, ms } of pairs) {
    if (ms !== undefined) continue;
    context.report({
      type: "log",
      level: "warn",
      node: from.name,
      message: `${from.name} has no answer from ${to.name} to a ping over the overlay; etcd needs ${to.overlayAddress}:2379-2380 from there`,
    });
  }
  const measured = pairs.filter((pair): pair is typeof pair & { ms: number } => pair.ms !== undefined);
  const longest = measured.sort((a, b) => b.ms - a.ms)[0];
  if (!longest) return undefined;
  judge(settings, context, longest);
  return longest.ms;
}

function judge(
  { etcd }: DistributionSettings,
  context: EngineContext,
  { from, to, ms }: { readonly from: EngineNode; readonly to: EngineNode; readonly ms: number },
): void {
  const pair = `${from.name} and ${to.name} are ${Math.round(ms)} ms apart over the overlay`;
  if (ms > etcd.maxRoundTripMs && !etcd.force) {
    throw new MulticloudError(
      `${pair}, and etcd is to bear ${etcd.maxRoundTripMs} ms at most: with more its members lose each other`,
      {
        code: "OVERLAY_FAILED",
        site: from.site,
        node: from.name,
        service: "etcd",
        hint: "put the masters into sites that are nearer to each other, or set etcd.force",
      },
    );
  }
  if (ms <= slowMs) return;
  context.report({
    type: "log",
    level: "warn",
    message: `${pair}: every change in the cluster takes at least that long; masters in nearer sites make it faster`,
  });
}

/** The average in the last line of `ping -q`: `rtt min/avg/max/mdev = 0.1/0.2/0.3/0.0 ms`. */
function averageOf(line: string): number | undefined {
  const match = /= [\d.]+\/([\d.]+)\/[\d.]+/.exec(line);
  return match ? Number(match[1]) : undefined;
}

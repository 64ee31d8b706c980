import type { DnsEntrypoint } from "../contracts/dns-entrypoint.js";
import { apiAddresses, apiPort } from "../orchestrate/api-record.js";
import type { Session } from "../orchestrate/session.js";
import { askSite } from "../orchestrate/status.js";
import { delay } from "../plugin/delay.js";
import { toMulticloudError } from "../run/run.js";
import { decide } from "./decide.js";
import { type Health, newHealth, observe } from "./health.js";
import { portOpens } from "./probe.js";
import type { WatchOptions } from "./watch.js";

/** For how many intervals a master that was dead must have answered before it is let in again. */
const returnIntervals = 3;

/**
 * Keeps every master that answers in the API's record, and no other, until the signal aborts. The last address
 * never leaves.
 */
export async function watchApi(session: Session, api: DnsEntrypoint, options: WatchOptions): Promise<void> {
  const { intervalMs = 2_000, probeMs = 2_000, failures = 2, refreshMs = 60_000 } = options;
  const { signal } = session;
  const masters = watchMasters(session);
  const health = new Map<string, Health>();
  const read = async () => (await api.get(session.context()))?.addresses ?? [];
  let current = await read();
  let refreshed = performance.now();
  masters.refresh();
  // A site without power takes its cloud along: waiting for that would delay the rescue.
  await Promise.race([masters.ended(), delay(probeMs, signal).catch(() => {})]);

  async function probeAll(addresses: readonly string[]): Promise<void> {
    await Promise.all(
      addresses.map(async (address) => {
        const ok = await portOpens(session.dialer, { host: address, port: apiPort }, signal, probeMs);
        const at = performance.now();
        const limits = { failures, returnMs: returnIntervals * intervalMs };
        health.set(address, observe(health.get(address) ?? newHealth(at), ok, at, limits));
      }),
    );
  }

  while (!signal.aborted) {
    try {
      if (performance.now() - refreshed > refreshMs) {
        refreshed = performance.now();
        masters.refresh();
        // Somebody else may have moved or removed it.
        current = await read();
      }
      const entries = masters.addresses();
      await probeAll([...new Set([...entries, ...current])]);
      const sees: Record<string, "up" | "down"> = {};
      for (const [address, { status }] of health) if (status !== "unknown") sees[address] = status;
      const gone = masters.complete() ? current.filter((address) => !entries.includes(address)) : [];
      const opinions = [{ observer: "operator", sees }];
      const decision = decide({ policy: "all-healthy", current, entries, opinions, gone });
      if (decision.changed && decision.addresses.length > 0) {
        const { record, changed } = await api.set(session.context(), decision.addresses);
        const from = current;
        current = record.addresses;
        if (changed) {
          const reason = reasonOf(from, current, sees);
          session.emit({ type: "entrypoint-switch", record: record.name, from, to: current, reason });
        }
      }
    } catch (thrown) {
      if (signal.aborted) break;
      const error = toMulticloudError(thrown);
      if (error.code === "INTERNAL") throw error;
      session.emit({ type: "log", level: "warn", message: `api: ${error.message}` });
    }
    await delay(intervalMs, signal).catch(() => {});
  }
  await masters.ended();
}

function reasonOf(
  from: readonly string[],
  to: readonly string[],
  sees: Readonly<Record<string, "up" | "down">>,
): string {
  const out = from.filter((address) => !to.includes(address));
  const dead = out.filter((address) => sees[address] === "down");
  if (dead.length > 0) return `${dead.join(", ")} did not answer`;
  if (out.length > 0) return `${out.join(", ")} is no master of the cluster any more`;
  return from.length === 0
    ? "there was no record"
    : `${to.filter((address) => !from.includes(address)).join(", ")} answers`;
}

/** The masters' public addresses as the clouds told them last. */
function watchMasters(session: Session) {
  const known = new Map<string, readonly string[]>();
  let asking: Promise<void> | undefined;
  const ask = async (site: string) => {
    const { machines } = await askSite(session, site);
    // A cloud that does not answer must not stop the watch: what it said last still holds.
    if (machines) known.set(site, apiAddresses(machines.filter(({ status }) => status === "running")));
  };
  return {
    addresses: () => [...new Set(session.sites.flatMap(({ name }) => known.get(name) ?? []))],
    /** All sites have told their machines at least once. */
    complete: () => known.size === session.sites.length,
    refresh() {
      asking ??= Promise.allSettled(session.sites.map(({ name }) => ask(name))).then(() => {
        asking = undefined;
      });
    },
    ended: async () => asking,
  };
}

import { MulticloudError } from "../errors/multicloud-error.js";
import { choose } from "../orchestrate/entrypoint.js";
import type { Session } from "../orchestrate/session.js";
import { delay } from "../plugin/delay.js";
import { toMulticloudError } from "../run/run.js";
import { type Candidates, watchCandidates } from "./candidates.js";
import { entryProbe, liveEntries } from "./probe.js";

/** Options of watching the entrypoint. */
export interface WatchOptions {
  /** Ends the watch; that is how it normally ends. */
  readonly signal?: AbortSignal;
  /** Milliseconds between two probes of the current address. Default 2,000. */
  readonly intervalMs?: number;
  /** Milliseconds that a probe may take. Default 2,000. */
  readonly probeMs?: number;
  /** Failed probes in a row before the address counts as dead. Default 2. */
  readonly failures?: number;
  /** Milliseconds between two lists of the machines that could be entries. Default 60,000. */
  readonly refreshMs?: number;
}

/**
 * Keeps the record on a live entry address until the signal aborts. Writes only to move away from a dead
 * address to a live one, or to make a record that is gone; the last address never leaves.
 */
export async function watchEntrypoint(session: Session, options: WatchOptions): Promise<void> {
  const { entrypoint } = session.config;
  if (!entrypoint) {
    throw new MulticloudError("there is no entrypoint to watch", {
      code: "CONFIG_INVALID",
      hint: "give the configuration an entrypoint",
    });
  }
  const { intervalMs = 2_000, probeMs = 2_000, failures = 2, refreshMs = 60_000 } = options;
  const { signal } = session;
  const candidates = watchCandidates(session);
  const probe = await entryProbe(session, probeMs);
  const read = async () => (await entrypoint.get(session.context()))?.addresses ?? [];
  let current = await read();
  let failed = 0;
  let refreshed = performance.now();
  candidates.refresh();
  // Whoever knows all sites keeps to their order; a cloud that is slow to answer is not worth more than a probe's patience.
  await Promise.race([candidates.ended(), delay(probeMs, signal).catch(() => {})]);

  while (!signal.aborted) {
    try {
      if (performance.now() - refreshed > refreshMs) {
        refreshed = performance.now();
        candidates.refresh();
        // Somebody else may have moved or removed it.
        current = await read();
      }
      const works = await Promise.all(
        current.map(async (each) => candidates.mayBe(each) && (await probe(each))),
      );
      const address = current[Math.max(0, works.indexOf(false))];
      failed = works.length > 0 && works.every(Boolean) ? 0 : failed + 1;
      if (failed >= failures || address === undefined) {
        const alive = await liveEntries(candidates.entries(), probe);
        if (alive.length > 0) {
          const next = choose(current, candidates.entries(), alive);
          const { record, changed } = await entrypoint.set(session.context(), next);
          if (changed) {
            const reason = reasonOf(address, failed, candidates);
            session.emit({
              type: "entrypoint-switch",
              record: record.name,
              from: current,
              to: record.addresses,
              reason,
            });
          }
          current = record.addresses;
          failed = 0;
        }
      }
    } catch (thrown) {
      if (signal.aborted) break;
      const error = toMulticloudError(thrown);
      if (error.code === "INTERNAL") throw error;
      session.emit({ type: "log", level: "warn", message: `entrypoint: ${error.message}` });
    }
    await delay(intervalMs, signal).catch(() => {});
  }
  await candidates.ended();
}

function reasonOf(address: string | undefined, failed: number, candidates: Candidates): string {
  if (address === undefined) return "there was no record";
  if (!candidates.mayBe(address)) return `${address} is no entry of the cluster any more`;
  return `${address} did not answer ${failed} times`;
}

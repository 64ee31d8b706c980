import type { Machine } from "../contracts/provider.js";
import { MulticloudError } from "../errors/multicloud-error.js";
import { choose } from "../orchestrate/entrypoint.js";
import type { Session } from "../orchestrate/session.js";
import { askSites } from "../orchestrate/status.js";
import { delay } from "../plugin/delay.js";
import { toMulticloudError } from "../run/run.js";
import { type EntryAddress, entryAddresses } from "./candidates.js";
import { entryAnswers, liveEntries } from "./probe.js";

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

/** Keeps the record on a live entry address until the signal aborts. Writes only to move away from a dead address to a live one; the last address never leaves. */
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
  const known = new Map<string, readonly Machine[]>();
  let entries: readonly EntryAddress[] = [];
  let refreshed = Number.NEGATIVE_INFINITY;
  let failed = 0;
  let current = (await entrypoint.get(session.context()))?.addresses ?? [];

  while (!signal.aborted) {
    try {
      if (performance.now() - refreshed > refreshMs) {
        // A cloud that does not answer must not stop the watch: what it said last still holds.
        for (const { site, machines } of await askSites(session)) if (machines) known.set(site, machines);
        entries = await entryAddresses(session.context(), session.sites, known);
        refreshed = performance.now();
      }
      const address = current[0];
      failed =
        address !== undefined && (await entryAnswers(session.dialer, address, signal, probeMs))
          ? 0
          : failed + 1;
      if (failed >= failures || current.length === 0) {
        const alive = await liveEntries(session.dialer, entries, signal, probeMs);
        if (alive.length > 0) {
          const next = choose(current, entries, alive);
          const { record, changed } = await entrypoint.set(session.context(), [next]);
          if (changed) {
            const reason =
              address === undefined ? "there was no record" : `${address} did not answer ${failed} times`;
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
}

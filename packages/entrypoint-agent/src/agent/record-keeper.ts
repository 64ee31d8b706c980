import { isIP } from "node:net";
import { type Decision, decide, MulticloudError, type OpenedRecord } from "@multicloud/core/plugin";
import { type AgentClock, within } from "./clock.js";
import type { AgentSettings, AgentTiming } from "./settings.js";
import type { Situation } from "./situation.js";

/** One change of the record. */
export interface Switch {
  readonly from: readonly string[];
  readonly to: readonly string[];
  readonly reason: string;
  /** Milliseconds since the first probe of an address that left failed; `undefined` when none did from here. */
  readonly tookMs?: number;
}

/** The leader's hand on the record. */
export interface RecordKeeper {
  /** Reads and writes what is to be done now, if anything; returns at once while it waits for another try. */
  keep(situation: Situation, term: AbortSignal): Promise<void>;
  /** Forgets what it knew: another agent led meanwhile. */
  forget(): void;
  /** The record as last read or written; empty when that is not known. */
  readonly addresses: readonly string[];
}

/** What a record keeper needs. */
export interface RecordKeeperParts {
  readonly clock: AgentClock;
  readonly timing: AgentTiming;
  readonly settings: Pick<AgentSettings, "policy" | "failbackMs">;
  readonly dns: OpenedRecord;
  random(): number;
  /** Makes sure, right before a write, that nobody else may: a machine that stood still does not notice how long. */
  mayWrite(): Promise<boolean>;
  failingSince(address: string): number | undefined;
  onSwitch(change: Switch): void;
  /** A read or write failed; `first` of a row of failures. */
  onFailure(error: MulticloudError, first: boolean): void;
}

/** Pause after the API server could not be asked whether this agent may write. */
const askAgainMs = 500;

export function createRecordKeeper(parts: RecordKeeperParts): RecordKeeper {
  const { clock, timing, dns } = parts;
  let current: readonly string[] | undefined;
  let readAt = 0;
  let failures = 0;
  let retryAt = Number.NEGATIVE_INFINITY;
  /** A change whose answer was lost. */
  let unsure: Switch | undefined;
  const unclaimedSince = new Map<string, number>();
  /** Since when an address works for most agents without a break, and is not in the record. */
  const waitingSince = new Map<string, number>();

  /** One call to the DNS service; after a failure nothing is called for a while that doubles. */
  async function call<T>(
    term: AbortSignal,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T | undefined> {
    try {
      return await within(clock, timing.dnsTimeoutMs, term, work);
    } catch (thrown) {
      if (term.aborted) return undefined;
      const error = MulticloudError.isInstance(thrown)
        ? thrown
        : new MulticloudError(thrown instanceof Error ? thrown.message : String(thrown), {
            code: "SERVICE_UNREACHABLE",
            cause: thrown,
          });
      const backoff =
        Math.min(timing.backoffMs, 500 * 2 ** Math.min(failures, 16)) * (0.75 + 0.25 * parts.random());
      // What a service asks for is honoured up to the longest pause: by then it may know better.
      const asked = Math.min(error.retryAfterMs ?? 0, timing.backoffMs);
      retryAt = clock.now() + Math.max(backoff, asked);
      failures += 1;
      parts.onFailure(error, failures === 1);
      return undefined;
    }
  }

  /** Those of the record that are no one's any more. */
  function goneOf(addresses: readonly string[], { left, claimed }: Situation): readonly string[] {
    const now = clock.now();
    for (const address of unclaimedSince.keys()) {
      if (claimed.has(address) || !addresses.includes(address)) unclaimedSince.delete(address);
    }
    return addresses.filter((address) => {
      if (claimed.has(address)) return false;
      if (left.includes(address)) return true;
      const since = unclaimedSince.get(address) ?? now;
      unclaimedSince.set(address, since);
      return now - since >= timing.unclaimedMs;
    });
  }

  /** Entries of a site that is preferred to those of the record, and that have worked for long enough. */
  function failbackTo(addresses: readonly string[], { entries, rankOf }: Situation): readonly string[] {
    const { failbackMs } = parts.settings;
    if (failbackMs === undefined) return [];
    const now = clock.now();
    const bestOf = (family: number) =>
      Math.min(...addresses.filter((address) => isIP(address) === family).map(rankOf));
    return entries.filter(
      (address) =>
        rankOf(address) < bestOf(isIP(address)) && now - (waitingSince.get(address) ?? now) >= failbackMs,
    );
  }

  /** Also while the DNS service is away: what died meanwhile begins anew. */
  function noteWaiting({ known: entries, opinions }: Situation): void {
    const { verdicts } = decide({ policy: "active", current: current ?? [], entries, opinions });
    const waits = (address: string) => verdicts.get(address)?.verdict === "up" && !current?.includes(address);
    for (const address of waitingSince.keys()) if (!waits(address)) waitingSince.delete(address);
    for (const address of verdicts.keys())
      if (waits(address) && !waitingSince.has(address)) waitingSince.set(address, clock.now());
  }

  return {
    get addresses() {
      return current ?? [];
    },
    forget() {
      current = undefined;
      unsure = undefined;
      unclaimedSince.clear();
      waitingSince.clear();
    },
    async keep(situation, term) {
      noteWaiting(situation);
      if (clock.now() < retryAt) return;
      if (current === undefined || clock.now() - readAt >= timing.rereadMs) {
        const read = await call(term, (signal) => dns.get(signal));
        if (!read) return;
        current = read;
        readAt = clock.now();
        if (unsure?.to.join() === read.join()) parts.onSwitch(unsure);
        unsure = undefined;
      }
      const gone = goneOf(current, situation);
      const from = current;
      const failback = failbackTo(from, situation);
      const decision = decide({
        policy: parts.settings.policy,
        current: from,
        entries: situation.entries,
        opinions: situation.opinions,
        gone,
        failback,
      });
      if (!decision.changed) {
        failures = 0;
        return;
      }
      const failing = from
        .filter((address) => !decision.addresses.includes(address))
        .map((address) => parts.failingSince(address))
        .filter((at) => at !== undefined);
      const may = await parts.mayWrite().catch((error) => {
        retryAt = clock.now() + askAgainMs;
        throw error;
      });
      if (!may || term.aborted) return;
      const wrote = await call(term, (signal) => dns.set(decision.addresses, signal));
      const change: Switch = {
        from,
        to: decision.addresses,
        reason: reasonOf(from, decision, { gone, failback }, situation.opinions.length),
        ...(failing.length > 0 ? { tookMs: clock.now() - Math.min(...failing) } : {}),
      };
      if (wrote === undefined) {
        // It may have gone through; what is so is read before the next decision.
        current = undefined;
        unsure = change;
        return;
      }
      failures = 0;
      current = decision.addresses;
      readAt = clock.now();
      if (wrote) parts.onSwitch(change);
    },
  };
}

function reasonOf(
  from: readonly string[],
  { addresses, verdicts }: Decision,
  { gone, failback }: { readonly gone: readonly string[]; readonly failback: readonly string[] },
  heard: number,
): string {
  const parts = [
    ...from
      .filter((address) => !addresses.includes(address))
      .map((address) => {
        if (gone.includes(address)) return `${address} is no address of the cluster any more`;
        const { verdict, down = 0 } = verdicts.get(address) ?? {};
        if (verdict !== "down") return `${address} is not needed any more`;
        return `${address} is dead for ${down} of ${heard} ${heard === 1 ? "agent" : "agents"} that can be heard`;
      }),
    ...addresses
      .filter((address) => !from.includes(address))
      .map((address) => {
        const what = failback.includes(address) ? "is preferred and works again" : "works";
        return `${address} ${what} for ${verdicts.get(address)?.up ?? 0} of ${heard}`;
      }),
  ];
  return parts.join("; ");
}

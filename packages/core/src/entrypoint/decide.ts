import { isIP } from "node:net";

/**
 * How the record is kept. `active`: one address of each family, which stays as long as it works, chosen by
 * preference. `all-healthy`: every address that works.
 */
export type EntrypointPolicy = "active" | "all-healthy";

/** What one observer is sure of. An address that it is not sure of is left out and counts for nothing. */
export interface EntryOpinion {
  readonly observer: string;
  readonly sees: Readonly<Record<string, "up" | "down">>;
}

/** What a decision is made from. */
export interface DecisionInput {
  readonly policy: EntrypointPolicy;
  /** Addresses of the record as it stands. */
  readonly current: readonly string[];
  /** Addresses through which the cluster can be entered, most preferred first. */
  readonly entries: readonly string[];
  /** Of all observers that can be heard. */
  readonly opinions: readonly EntryOpinion[];
  /** Addresses that are known not to be the cluster's any more: they leave like dead ones. */
  readonly gone?: readonly string[];
  /** With `active`: addresses that have worked for long enough to be gone back to, though the current one works. Default: none. */
  readonly failback?: readonly string[];
}

/** How observers see one address. */
export interface Verdict {
  readonly verdict: "up" | "down" | "undecided";
  readonly up: number;
  readonly down: number;
}

/** What the record should hold. */
export interface Decision {
  /** Never empty when `current` is not. Sorted. */
  readonly addresses: readonly string[];
  /** False when the record is right as it stands. */
  readonly changed: boolean;
  /** By address, of all entries and all current addresses. */
  readonly verdicts: ReadonlyMap<string, Verdict>;
}

/**
 * The one decision about the record, for the operator's machine (one observer) and for the agents in the
 * cluster (many). Pure: no time, no I/O.
 *
 * An address leaves when more than half of the observers that are sure of it see it dead, or when it is
 * gone; a new one needs more than half that see it alive. A tie changes nothing. One that works leaves only for a
 * preferred one that `failback` names. The last address never
 * leaves: a dead one is better than none, for resolvers remember that a name has nothing for longer.
 */
export function decide(input: DecisionInput): Decision {
  const gone = new Set(input.gone);
  const verdicts = new Map<string, Verdict>();
  for (const address of new Set([...input.entries, ...input.current])) {
    verdicts.set(address, verdictOn(address, input.opinions));
  }
  const is = (address: string) => (gone.has(address) ? "down" : verdicts.get(address)?.verdict);
  const current = [...new Set(input.current)];
  const entries = [...new Set(input.entries)];

  const wanted = [4, 6].flatMap((family) => {
    const of = (addresses: readonly string[]) => addresses.filter((each) => isIP(each) === family);
    const kept = of(current).filter((address) => is(address) !== "down");
    const alive = of(entries).filter((address) => is(address) === "up");
    if (input.policy === "all-healthy") return [...kept, ...alive];
    // Of several that stay, which only another policy leaves behind, the one that is surest and most preferred.
    const best = alive.find((address) => kept.includes(address)) ?? kept[0] ?? alive[0];
    const back = alive.find((address) => input.failback?.includes(address));
    if (back !== undefined && best !== undefined && !isBefore(entries, best, back)) return [back];
    return best === undefined ? [] : [best];
  });
  const addresses = wanted.length > 0 ? [...new Set(wanted)].sort() : [...current].sort();
  const changed =
    addresses.length !== current.length || addresses.some((address) => !current.includes(address));
  return { addresses, changed, verdicts };
}

/** Whether an entry is preferred to another. */
function isBefore(entries: readonly string[], address: string, other: string): boolean {
  const at = entries.indexOf(address);
  return at >= 0 && at < entries.indexOf(other);
}

function verdictOn(address: string, opinions: readonly EntryOpinion[]): Verdict {
  let up = 0;
  let down = 0;
  for (const { sees } of opinions) {
    if (!Object.hasOwn(sees, address)) continue;
    if (sees[address] === "up") up += 1;
    else down += 1;
  }
  return { verdict: up === down ? "undecided" : up > down ? "up" : "down", up, down };
}

import type { KnownAgent } from "./board.js";
import type { Observation } from "./observation.js";
import type { AgentSettings } from "./settings.js";

/** All that is known when the leader decides. */
export interface Situation {
  /** In order of preference. */
  readonly entries: readonly string[];
  /** The same, with those that this agent has a doubt about at this moment. */
  readonly known: readonly string[];
  /** How far an address' site is down in the order of preference; 0 is the most preferred. */
  rankOf(address: string): number;
  readonly opinions: readonly {
    readonly observer: string;
    readonly sees: Readonly<Record<string, "up" | "down">>;
  }[];
  /** Addresses that agents say they do not have any more, and nobody else claims. */
  readonly left: readonly string[];
  /** Addresses that some agent claims. */
  readonly claimed: ReadonlySet<string>;
}

/** What an agent knows. */
export interface Knowledge {
  readonly self: { readonly name: string; readonly observation: Observation };
  readonly others: readonly KnownAgent[];
  readonly sites: readonly { readonly site: string; readonly addresses: readonly string[] }[];
  readonly settings: Pick<AgentSettings, "prefer" | "addresses">;
  /** Whether this agent has reason to think that an address may just be lost. */
  doubts(address: string): boolean;
}

/** What the leader decides from. Pure. */
export function situationOf({ self, others, sites, settings, doubts }: Knowledge): Situation {
  const voices = [self, ...others.filter((agent) => agent.heard)];
  const rank = (site: string) => {
    const index = settings.prefer.indexOf(site);
    return index < 0 ? settings.prefer.length : index;
  };
  const inUse = new Set([
    ...voices.flatMap((voice) => voice.observation.addresses),
    ...Object.values(settings.addresses).flat(),
  ]);
  const leftBehind = [...new Set(voices.flatMap((voice) => voice.observation.left))];
  const placed = sites
    .flatMap(({ site, addresses }) => addresses.map((address) => ({ site, address })))
    // What was told from outside counts until an agent says that its site has another address by now.
    .filter(({ address }) => inUse.has(address) || !leftBehind.includes(address))
    .sort((a, b) => rank(a.site) - rank(b.site) || compare(a.site, b.site) || compare(a.address, b.address));
  const entries = placed.map(({ address }) => address);
  return {
    known: [...new Set(entries)],
    // One that is perhaps just being lost too is none to turn to.
    entries: [...new Set(entries)].filter((address) => !doubts(address)),
    rankOf: (address) => rank(placed.find((one) => one.address === address)?.site ?? ""),
    opinions: voices.map((voice) => ({ observer: voice.name, sees: voice.observation.sees })),
    left: leftBehind.filter((address) => !inUse.has(address)),
    claimed: new Set(entries),
  };
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

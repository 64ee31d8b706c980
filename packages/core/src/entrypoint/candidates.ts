import type { CallContext } from "../contracts/context.js";
import type { Machine } from "../contracts/provider.js";
import type { Session } from "../orchestrate/session.js";
import { askSite } from "../orchestrate/status.js";
import type { TopologySite } from "../topology/topology.js";

/** An address through which the internet can enter the cluster. */
export interface EntryAddress {
  readonly address: string;
  readonly site: string;
}

/**
 * The entry addresses of all sites, in the order of the configuration, which is the order of preference:
 * the gateway's or router's address of a site behind NAT, otherwise the public addresses of its workers
 * (they run the ingress).
 */
export async function entryAddresses(
  context: CallContext,
  sites: readonly TopologySite[],
  machines: ReadonlyMap<string, readonly Machine[]>,
): Promise<readonly EntryAddress[]> {
  const perSite = await Promise.all(
    sites.map(async ({ name, config }) => {
      if (config.gateway) return [await config.gateway.publicAddress(context)];
      if (typeof config.nat === "object" && config.nat.publicAddress) return [config.nat.publicAddress];
      if (config.nat) return [];
      const running = (machines.get(name) ?? []).filter(
        ({ status, role }) => status === "running" && role === "worker",
      );
      return running.flatMap(({ publicAddress }) => (publicAddress ? [publicAddress] : [])).sort();
    }),
  );
  return perSite.flatMap((addresses, index) =>
    addresses.map((address) => ({ address, site: sites[index]!.name })),
  );
}

/** The entry addresses as the clouds told them last. */
export interface Candidates {
  entries(): readonly EntryAddress[];
  /** False once all sites have told their machines and the address is none of theirs: somebody else may have it by now. */
  mayBe(address: string): boolean;
  /** Asks all clouds again, in the background: a site without power takes its cloud along, and waiting for that would delay the rescue. */
  refresh(): void;
  /** Resolves when nothing goes on in the background. */
  ended(): Promise<void>;
}

export function watchCandidates(session: Session): Candidates {
  const known = new Map<string, readonly Machine[]>();
  let entries: readonly EntryAddress[] = [];
  let asking: Promise<void> | undefined;

  async function ask(site: string): Promise<void> {
    const { machines } = await askSite(session, site);
    // A cloud that does not answer must not stop the watch: what it said last still holds.
    if (machines) known.set(site, machines);
    entries = await entryAddresses(session.context(), session.sites, known);
  }

  return {
    entries: () => entries,
    mayBe: (address) =>
      known.size < session.sites.length || entries.some((entry) => entry.address === address),
    refresh() {
      asking ??= Promise.allSettled(session.sites.map(({ name }) => ask(name))).then(() => {
        asking = undefined;
      });
    },
    ended: async () => asking,
  };
}

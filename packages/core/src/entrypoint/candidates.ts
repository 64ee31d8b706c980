import type { Machine } from "../contracts/provider.js";
import { gatewayAddress } from "../gateway/address.js";
import type { Session } from "../orchestrate/session.js";
import { askSite } from "../orchestrate/status.js";
import type { TopologySite } from "../topology/topology.js";

/** An address through which the internet can enter the cluster. */
export interface EntryAddress {
  readonly address: string;
  readonly site: string;
}

/**
 * The entry addresses of all sites, in the order of the configuration, which is the order of preference.
 * A gateway that does not say its address and never did is left out.
 */
export async function entryAddresses(
  session: Session,
  machines: ReadonlyMap<string, readonly Machine[]>,
): Promise<readonly EntryAddress[]> {
  const perSite = await Promise.all(
    session.sites.map(async (site) =>
      site.config.gateway ? gatewayAddresses(session, site) : siteAddresses(site, machines.get(site.name)),
    ),
  );
  return inOrder(session, new Map(session.sites.map(({ name }, index) => [name, perSite[index] ?? []])));
}

async function gatewayAddresses(
  session: Session,
  site: TopologySite,
): Promise<readonly string[] | undefined> {
  // A gateway with nobody behind it is no way in.
  if (site.nodes.length === 0) return [];
  const { address } = await gatewayAddress(session, site);
  return address === undefined ? undefined : [address];
}

/** The router's address of a site behind NAT, otherwise the public addresses of its workers (they run the ingress). */
function siteAddresses({ config }: TopologySite, machines: readonly Machine[] = []): readonly string[] {
  if (typeof config.nat === "object" && config.nat.publicAddress) return [config.nat.publicAddress];
  if (config.nat) return [];
  const running = machines.filter(({ status, role }) => status === "running" && role === "worker");
  return running.flatMap(({ publicAddress }) => (publicAddress ? [publicAddress] : [])).sort();
}

function inOrder(
  { sites }: Session,
  addresses: ReadonlyMap<string, readonly string[]>,
): readonly EntryAddress[] {
  return sites.flatMap(({ name: site }) => (addresses.get(site) ?? []).map((address) => ({ address, site })));
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
  const known = new Map<string, readonly string[]>();
  let entries: readonly EntryAddress[] = [];
  let asking: Promise<void> | undefined;

  async function ask(site: TopologySite): Promise<void> {
    const { machines } = site.config.gateway ? {} : await askSite(session, site.name);
    const addresses = site.config.gateway
      ? await gatewayAddresses(session, site)
      : machines && siteAddresses(site, machines);
    // A cloud that does not answer must not stop the watch: what it said last still holds.
    if (addresses) known.set(site.name, addresses);
    entries = inOrder(session, known);
  }

  return {
    entries: () => entries,
    mayBe: (address) =>
      known.size < session.sites.length || entries.some((entry) => entry.address === address),
    refresh() {
      asking ??= Promise.allSettled(session.sites.map(ask)).then(() => {
        asking = undefined;
      });
    },
    ended: async () => asking,
  };
}

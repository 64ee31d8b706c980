import type { CallContext } from "../contracts/context.js";
import type { Machine } from "../contracts/provider.js";
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

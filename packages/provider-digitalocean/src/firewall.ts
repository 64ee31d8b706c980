import type { FirewallRule, SiteContext } from "@multicloud/core/plugin";
import type { Client } from "./client.js";
import { findOrCreate } from "./ensure.js";
import { firewallName, siteTag } from "./marks.js";
import type {
  WireFirewall,
  WireFirewallBody,
  WireInboundRule,
  WireOutboundRule,
  WireTarget,
} from "./wire.js";

const anywhere = ["0.0.0.0/0", "::/0"];
// `0` is how the API writes all ports.
const allPorts = "0";

/** Makes the site's firewall what the rules say; writes nothing when it is. Its tag must exist. */
export async function ensureFirewall(
  client: Client,
  context: SiteContext,
  rules: readonly FirewallRule[],
): Promise<void> {
  const wanted = wantedFirewall(context, rules);
  const found = await findOrCreate(
    context,
    () => findFirewall(client, context),
    async () => (await client.post<{ firewall: WireFirewall }>(context, "/v2/firewalls", wanted)).firewall,
  );
  if (canonical(found) === canonical(wanted)) return;
  // Droplets that somebody put behind this firewall by hand stay there.
  const body: WireFirewallBody = { ...wanted, droplet_ids: found.droplet_ids ?? [] };
  await client.put(context, `/v2/firewalls/${found.id}`, body);
}

/** Removes the site's firewall; one that is gone is fine. */
export async function deleteFirewall(client: Client, context: SiteContext): Promise<void> {
  const found = await findFirewall(client, context);
  if (found) await client.delete(context, `/v2/firewalls/${found.id}`);
}

async function findFirewall(client: Client, context: SiteContext): Promise<WireFirewall | undefined> {
  const all = await client.all<WireFirewall, "id">(context, "/v2/firewalls", "firewalls", "id");
  return all.find((firewall) => firewall.name === firewallName(context));
}

/** The firewall that the rules ask for. Everything may go out: a firewall without outbound rules drops all of it. */
function wantedFirewall(
  site: Pick<SiteContext, "cluster" | "site">,
  rules: readonly FirewallRule[],
): WireFirewallBody {
  const sources = new Map<string, Set<string>>();
  for (const rule of rules) {
    const key = `${rule.protocol} ${rule.port}`;
    const known = sources.get(key) ?? new Set();
    for (const source of rule.sources ?? anywhere) known.add(source);
    sources.set(key, known);
  }
  return {
    name: firewallName(site),
    tags: [siteTag(site)],
    droplet_ids: [],
    inbound_rules: [...sources].map(([key, addresses]): WireInboundRule => {
      const [protocol = "", ports = ""] = key.split(" ");
      return { protocol, ports, sources: { addresses: [...addresses] } };
    }),
    outbound_rules: ["tcp", "udp", "icmp"].map(
      (protocol): WireOutboundRule => ({
        protocol,
        ports: allPorts,
        destinations: { addresses: anywhere },
      }),
    ),
  };
}

/** A text that two firewalls share when they let the same through: order and ways of writing do not count. */
function canonical(firewall: Omit<WireFirewall, "id">): string {
  const rule = (protocol: string, ports: string, target: WireTarget) =>
    JSON.stringify([
      protocol,
      ports === "all" || ports === "" ? allPorts : ports,
      [...(target.addresses ?? [])].map((address) => address.toLowerCase()).sort(),
      [...(target.droplet_ids ?? [])].sort(),
      [...(target.load_balancer_uids ?? [])].sort(),
      [...(target.kubernetes_ids ?? [])].sort(),
      [...(target.tags ?? [])].sort(),
    ]);
  return JSON.stringify([
    firewall.name,
    [...(firewall.tags ?? [])].sort(),
    (firewall.inbound_rules ?? []).map((each) => rule(each.protocol, each.ports, each.sources)).sort(),
    (firewall.outbound_rules ?? []).map((each) => rule(each.protocol, each.ports, each.destinations)).sort(),
  ]);
}

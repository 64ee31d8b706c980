import type { CloudflareDns } from "../cloudflare/cloudflare-dns.js";
import type { DigitalOceanCloud } from "../digitalocean/digitalocean-cloud.js";
import type { Distributions } from "../distribution/module.js";
import type { EmulatedClusters } from "../kubernetes/kubernetes-cluster.js";
import type { OpenStackCloud } from "../openstack/options.js";
import type { RkeTool } from "../rke/tool/rke-tool.js";
import type { ZeroTierWorld } from "../zerotier/zerotier.js";

/** The emulated services whose content counts. */
export interface Services {
  readonly openstacks: readonly OpenStackCloud[];
  readonly digitalocean: DigitalOceanCloud;
  readonly zerotier: ZeroTierWorld;
  readonly cloudflare: CloudflareDns;
  readonly kubernetes: EmulatedClusters;
  readonly rke: RkeTool;
  readonly distributions: Distributions;
}

/** Everything that somebody made in any service and that is still there, one line each, sorted. Empty when nothing is left. */
export function resources({ openstacks, digitalocean, zerotier, cloudflare }: Services): readonly string[] {
  const lines: string[] = [];
  for (const cloud of openstacks) {
    for (const [kind, found] of Object.entries(cloud.list())) {
      for (const { id, name } of found) lines.push(`${cloud.name} ${kind} ${name || id}`);
    }
  }
  const account = digitalocean.list();
  for (const { name } of [...account.droplets, ...account.keys, ...account.firewalls])
    lines.push(`digitalocean ${name}`);
  for (const name of [...account.tags, ...account.volumes, ...account.reservedIps])
    lines.push(`digitalocean ${name}`);
  for (const network of zerotier.list()) {
    // A node that was put out may ask again: what counts is whom somebody let in or named.
    for (const member of network.members) {
      if (member.authorized || member.name) lines.push(`zerotier member ${member.name || member.nodeId}`);
    }
  }
  for (const record of cloudflare.list()) lines.push(`cloudflare ${record.type} ${record.name}`);
  return lines.sort();
}

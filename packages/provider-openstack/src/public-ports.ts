import type { MachineRequest, MachineShape, SiteContext } from "@multicloud/core/plugin";
import type { Server } from "./client/index.js";
import type { Cloud } from "./cloud.js";
import { demand } from "./lookup.js";
import { isNodeMark, nodeMark, portMark } from "./marks.js";
import { poolOptions } from "./pool-options.js";

type NodeCall = SiteContext & { readonly node: string };

/** The external network that a machine's floating IP comes from; `undefined` when it gets none. */
export function floatingIpPool(cloud: Cloud, request: MachineShape): string | true | undefined {
  const given = poolOptions(request).floatingIp ?? cloud.options.floatingIp;
  return given === false ? undefined : given;
}

/**
 * A port with a floating IP, for a machine that is to have one. The port that Nova makes by itself comes too
 * late for that: whoever makes the machine would have to wait until it runs. Both are found again by name and
 * mark. Gives the port's id.
 */
export async function ensurePublicPort(
  cloud: Cloud,
  call: NodeCall,
  request: MachineRequest,
  networkId: string,
  pool: string | true,
): Promise<string> {
  const { neutron } = cloud.client;
  const [outer, siteGroup, others] = await Promise.all([
    cloud.lookup.externalNetwork(call, pool),
    cloud.lookup.siteGroup(call),
    cloud.lookup.groupIds(call, cloud.options.securityGroups ?? []),
  ]);
  const floating_network_id = demand(outer, call).id;
  const description = nodeMark(call, request.name);
  const made = (await neutron.listPorts(call, { name: request.name }))
    .filter((port) => port.description === description && port.network_id === networkId)
    .sort((a, b) => (a.id < b.id ? -1 : 1))[0];
  const fixed = poolOptions(request).fixedIps?.[request.name];
  const port =
    made ??
    (await neutron.createPort(call, {
      name: request.name,
      description,
      network_id: networkId,
      security_groups: [demand(siteGroup, call), ...demand(others, call)],
      ...(fixed === undefined ? {} : { fixed_ips: [{ ip_address: fixed }] }),
    }));
  const ips = made ? await neutron.listFloatingIps(call, { port_id: port.id }) : [];
  if (ips.length === 0) {
    await neutron.createFloatingIp(call, { floating_network_id, port_id: port.id, description });
  }
  return port.id;
}

/**
 * Takes a machine's own port and floating IP away, before the machine: as long as that is there, whoever comes
 * after a cut knows of them. A floating IP that somebody else put there is only let go.
 */
export async function deletePublicPort(cloud: Cloud, call: NodeCall, server: Server): Promise<void> {
  const port = server.metadata[portMark];
  if (port === undefined) return;
  const { neutron } = cloud.client;
  for (const ip of await neutron.listFloatingIps(call, { port_id: port })) {
    if (isNodeMark(call, ip.description)) await neutron.deleteFloatingIp(call, ip.id);
  }
  const ports = await neutron.listPorts(call, { name: call.node });
  if (ports.some(({ id, description }) => id === port && isNodeMark(call, description))) {
    await neutron.deletePort(call, port);
  }
}

import { isAtLeast } from "./microversion.js";
import { vmState } from "./nova-actions.js";
import { portsOf } from "./nova-build.js";
import type { NovaCall } from "./nova-call.js";
import type { FlavorRecord, ServerRecord } from "./records.js";
import type { CloudState } from "./state.js";

/**
 * A server as Nova shows it to a plain user at a microversion. A list leaves out why no host was found: such
 * servers are in a database of their own ("cell0"), whose faults it does not read.
 */
export function serverView(
  state: CloudState,
  call: NovaCall,
  server: ServerRecord,
  where: "list" | "show",
): unknown {
  const from = (wanted: string, fields: object) => (isAtLeast(call.version, wanted) ? fields : {});
  return {
    id: server.id,
    name: server.name,
    status: server.status,
    tenant_id: server.user.project.id,
    user_id: server.user.id,
    metadata: server.metadata,
    hostId: isBuilt(server) ? "7a1f0c" : "",
    image: server.image
      ? {
          id: server.image.id,
          links: [{ rel: "bookmark", href: `${call.origin}/images/${server.image.id}` }],
        }
      : "",
    flavor: flavorIn(call, server.flavor),
    created: server.createdAt,
    updated: server.createdAt,
    addresses: isBuilt(server) ? addressesOf(state, server) : {},
    accessIPv4: "",
    accessIPv6: "",
    links: serverLinks(call, server),
    "OS-DCF:diskConfig": "MANUAL",
    ...(server.status === "ERROR" ? {} : { progress: 0 }),
    "OS-EXT-AZ:availability_zone": server.unscheduled ? "" : server.zone,
    config_drive: server.configDrive ? "True" : "",
    key_name: server.keyName ?? null,
    "OS-EXT-STS:task_state": server.taskState,
    "OS-EXT-STS:vm_state": vmState(server),
    "OS-EXT-STS:power_state": server.status === "ACTIVE" ? 1 : server.status === "PAUSED" ? 3 : 0,
    "os-extended-volumes:volumes_attached": server.volumes.map(({ volume, deleteOnTermination }) => ({
      id: volume.id,
      ...from("2.3", { delete_on_termination: deleteOnTermination }),
    })),
    ...(server.status === "ERROR" ? {} : { security_groups: server.groups.map(({ name }) => ({ name })) }),
    ...(server.fault && !(where === "list" && server.unscheduled) ? { fault: server.fault } : {}),
    ...from("2.9", { locked: false }),
    ...from("2.19", { description: server.description ?? null }),
    ...from("2.26", { tags: server.tags }),
    ...from("2.63", { trusted_image_certificates: null }),
  };
}

function isBuilt({ status }: ServerRecord): boolean {
  return status === "ACTIVE" || status === "PAUSED";
}

export function serverLinks(call: NovaCall, server: ServerRecord): unknown {
  return [
    { rel: "self", href: `${call.base}/servers/${server.id}` },
    { rel: "bookmark", href: `${call.origin}/servers/${server.id}` },
  ];
}

function flavorIn(call: NovaCall, flavor: FlavorRecord): unknown {
  if (!isAtLeast(call.version, "2.47")) {
    return { id: flavor.id, links: [{ rel: "bookmark", href: `${call.origin}/flavors/${flavor.id}` }] };
  }
  const { name, vcpus, ram, disk } = flavor;
  return { original_name: name, vcpus, ram, disk, ephemeral: 0, swap: 0, extra_specs: {} };
}

function addressesOf(state: CloudState, server: ServerRecord): unknown {
  const addresses: Record<string, unknown[]> = {};
  for (const port of portsOf(state, server)) {
    const view = (addr: string, kind: string) => ({
      addr,
      version: 4,
      "OS-EXT-IPS:type": kind,
      "OS-EXT-IPS-MAC:mac_addr": port.mac,
    });
    addresses[port.network.name] ??= [];
    addresses[port.network.name]!.push(view(port.address, "fixed"));
    for (const floating of state.floatingIps.values()) {
      if (floating.port === port) addresses[port.network.name]!.push(view(floating.address, "floating"));
    }
  }
  return addresses;
}

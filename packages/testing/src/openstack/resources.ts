import { membersOf } from "./nova-server-groups.js";
import type { OpenStackResources } from "./options.js";
import type { CloudState } from "./state.js";

/** Everything that somebody made and that is still there. */
export function listResources(state: CloudState): OpenStackResources {
  return {
    servers: [...state.servers.values()].map((server) => ({
      id: server.id,
      name: server.name,
      project: server.user.project.name,
      status: server.status,
      metadata: server.metadata,
    })),
    ports: [...state.ports.values()].map((port) => ({
      id: port.id,
      name: port.address,
      project: port.project.name,
    })),
    volumes: [...state.volumes.values()].map((volume) => ({
      id: volume.id,
      name: volume.name,
      project: volume.project.name,
      status: volume.status,
      type: volume.type,
      size: volume.size,
    })),
    securityGroups: [...state.groups.values()]
      .filter((group) => !group.isDefault)
      .map((group) => ({
        id: group.id,
        name: group.name,
        project: group.project.name,
        description: group.description,
      })),
    securityGroupRules: [...state.rules.values()]
      .filter((rule) => !rule.group.isDefault)
      .map((rule) => ({
        id: rule.id,
        name: [rule.direction, rule.ethertype, rule.protocol, rule.min, rule.prefix]
          .filter((part) => part !== null)
          .join(" "),
        project: rule.group.project.name,
        group: rule.group.name,
      })),
    keypairs: [...state.keypairs.values()].map((keypair) => ({
      id: keypair.fingerprint,
      name: keypair.name,
      project: keypair.user.project.name,
      publicKey: keypair.publicKey,
    })),
    floatingIps: [...state.floatingIps.values()].map((ip) => ({
      id: ip.id,
      name: ip.address,
      project: ip.project.name,
    })),
    serverGroups: [...state.serverGroups.values()].map((group) => ({
      id: group.id,
      name: group.name,
      project: group.user.project.name,
      members: membersOf(state, group),
    })),
  };
}

import type { Route } from "../world/http-service.js";
import { addressIn } from "./addresses.js";
import { empty, neutronFault } from "./answers.js";
import {
  judgeNeutronQuota,
  type NeutronCall,
  type NeutronSetting,
  neutronBodyOf,
  neutronCollection,
  neutronRoute,
} from "./neutron-call.js";
import { findGroup } from "./neutron-groups.js";
import { removePort } from "./nova-build.js";
import type { NetworkRecord, PortRecord } from "./records.js";
import { type CloudState, networksOf, newId } from "./state.js";

const project = ["tenant_id", "project_id"];

/** Ports: those that Nova makes for its servers, and those that somebody makes before. */
export function portRoutes(setting: NeutronSetting): Route[] {
  const { state } = setting;
  const effect = (action: "create" | "delete", port: PortRecord) =>
    state.world.effects.record({
      service: `${state.name}/neutron`,
      kind: "port",
      action,
      name: port.made?.name || port.address,
    });
  return [
    neutronRoute(setting, "GET", "/ports", (call) =>
      neutronCollection(
        setting,
        call,
        "ports",
        "/ports",
        [...state.ports.values()].filter((port) => port.project === call.caller.project).map(view),
        ["id", "name", "description", "status", "network_id", "device_id", "device_owner", ...project],
      ),
    ),
    neutronRoute(setting, "POST", "/ports", async (call) => {
      const body = call.body as { port?: unknown } | undefined;
      const known = ["name", "description", "network_id", "security_groups", "fixed_ips", ...project];
      const given = neutronBodyOf(body?.port, "port", known, ["network_id"]);
      const network = networksOf(state, call.caller.project).find(({ id }) => id === given.network_id);
      if (!network) {
        const id = String(given.network_id);
        throw neutronFault(404, "NetworkNotFound", `Network ${id} could not be found.`);
      }
      const owned = [...state.ports.values()].filter((other) => other.project === call.caller.project);
      judgeNeutronQuota(owned.length, 1, call.caller.project.quotas.ports, "port");
      const [fixed] = (given.fixed_ips ?? []) as readonly { ip_address?: string }[];
      const address = freeAddress(state, network, fixed?.ip_address);
      const id = newId();
      const port: PortRecord = {
        id,
        project: call.caller.project,
        network,
        server: undefined,
        made: { name: String(given.name ?? ""), description: String(given.description ?? "") },
        address,
        mac: `fa:16:3e:${id.slice(0, 2)}:${id.slice(2, 4)}:${id.slice(4, 6)}`,
        groups: groupsOf(state, call, given.security_groups as readonly string[] | undefined),
      };
      state.ports.set(id, port);
      await effect("create", port);
      return { status: 201, body: { port: view(port) } };
    }),
    neutronRoute(setting, "DELETE", "/ports/:id", async (call) => {
      const port = state.ports.get(call.params.id!);
      if (port?.project !== call.caller.project) {
        throw neutronFault(404, "PortNotFound", `Port ${call.params.id} could not be found.`);
      }
      // Also that of a running server: Nova hears of it and takes the interface away.
      removePort(state, port);
      await effect("delete", port);
      return empty(204);
    }),
  ];
}

function view(port: PortRecord): Readonly<Record<string, unknown>> {
  const { server, made, network } = port;
  return {
    id: port.id,
    name: made?.name ?? "",
    description: made?.description ?? "",
    status: server?.status === "ACTIVE" ? "ACTIVE" : "DOWN",
    network_id: network.id,
    device_id: server?.id ?? "",
    device_owner: server ? `compute:${server.zone}` : "",
    mac_address: port.mac,
    fixed_ips: [{ subnet_id: network.subnetId, ip_address: port.address }],
    security_groups: port.groups.map((group) => group.id),
    tenant_id: port.project.id,
    project_id: port.project.id,
  };
}

function freeAddress(state: CloudState, network: NetworkRecord, asked: string | undefined): string {
  if (asked !== undefined && network.owner === undefined) {
    throw neutronFault(
      403,
      "PolicyNotAuthorized",
      "(rule:create_port and (rule:create_port:fixed_ips and (rule:create_port:fixed_ips:ip_address))) is disallowed by policy",
    );
  }
  const address = asked ?? addressIn(state, network);
  if (address === undefined) {
    const message = `No more IP addresses available on network ${network.id}.`;
    throw neutronFault(409, "IpAddressGenerationFailure", message);
  }
  if ([...state.ports.values()].some((port) => port.network === network && port.address === address)) {
    const message = `IP address ${address} already allocated in subnet ${network.subnetId}`;
    throw neutronFault(409, "IpAddressAlreadyAllocated", message);
  }
  return address;
}

function groupsOf(state: CloudState, call: NeutronCall, asked: readonly string[] | undefined) {
  if (asked) return asked.map((id) => findGroup(state, call, id));
  return [...state.groups.values()].filter(
    (group) => group.isDefault && group.project === call.caller.project,
  );
}

/** The project's quota with its use (extension `quota_details`). */
export function networkQuotaRoutes(setting: NeutronSetting): Route[] {
  const { state } = setting;
  return [
    neutronRoute(setting, "GET", "/quotas/:project/details.json", (call) => {
      const { project: own } = call.caller;
      if (call.params.project !== own.id) {
        throw neutronFault(403, "PolicyNotAuthorized", "rule:get_quota is disallowed by policy");
      }
      const used = (all: ReadonlyMap<string, { readonly project: unknown }>) =>
        [...all.values()].filter((thing) => thing.project === own).length;
      const share = (limit: number, all: Parameters<typeof used>[0]) => ({
        limit,
        used: used(all),
        reserved: 0,
      });
      return {
        status: 200,
        body: {
          quota: {
            floatingip: share(own.quotas.floatingIps, state.floatingIps),
            port: share(own.quotas.ports, state.ports),
            security_group: share(own.quotas.securityGroups, state.groups),
            security_group_rule: {
              limit: own.quotas.securityGroupRules,
              used: [...state.rules.values()].filter((rule) => rule.group.project === own).length,
              reserved: 0,
            },
          },
        },
      };
    }),
  ];
}

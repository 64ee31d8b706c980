import type { Route, ServiceRequest } from "../world/http-service.js";
import { addressIn } from "./addresses.js";
import { empty, neutronFault } from "./answers.js";
import {
  judgeNeutronQuota,
  type NeutronSetting,
  neutronBodyOf,
  neutronCollection,
  neutronRoute,
} from "./neutron-call.js";
import { groupRoutes } from "./neutron-groups.js";
import { networkQuotaRoutes, portRoutes } from "./neutron-ports.js";
import { ruleRoutes } from "./neutron-rules.js";
import type { FloatingIpRecord, NetworkRecord, PortRecord } from "./records.js";
import { networksOf, newId } from "./state.js";

/** Neutron: networks, ports, security groups, floating IPs. */
export function neutronRoutes(setting: NeutronSetting, prefix: string): Route[] {
  const version = (request: ServiceRequest) => ({
    id: "v2.0",
    status: "CURRENT",
    links: [{ rel: "self", href: `${request.origin}${prefix}/v2.0/` }],
  });
  return [
    {
      method: "GET",
      path: `${prefix}/`,
      handle: (request) => ({ status: 200, body: { versions: [version(request)] } }),
    },
    ...networkRoutes(setting),
    ...portRoutes(setting),
    ...networkQuotaRoutes(setting),
    ...groupRoutes(setting),
    ...ruleRoutes(setting),
    ...floatingIpRoutes(setting),
  ];
}

/** Filters that every collection has. */
const project = ["tenant_id", "project_id"];

function networkRoutes(setting: NeutronSetting): Route[] {
  const { state } = setting;
  const view = (network: NetworkRecord) => {
    const owner = state.projects.find(({ name }) => name === network.owner)?.id ?? state.operatorProject;
    return {
      id: network.id,
      name: network.name,
      status: "ACTIVE",
      admin_state_up: true,
      shared: network.owner === undefined,
      "router:external": network.external,
      subnets: [network.subnetId],
      mtu: 1500,
      project_id: owner,
      tenant_id: owner,
    };
  };
  return [
    neutronRoute(setting, "GET", "/networks", (call) =>
      neutronCollection(
        setting,
        call,
        "networks",
        "/networks",
        networksOf(state, call.caller.project).map(view),
        ["id", "name", "status", "shared", "router:external"],
      ),
    ),
    neutronRoute(setting, "GET", "/networks/:id", (call) => {
      const network = networksOf(state, call.caller.project).find((other) => other.id === call.params.id);
      if (network) return { status: 200, body: { network: view(network) } };
      throw neutronFault(404, "NetworkNotFound", `Network ${call.params.id} could not be found.`);
    }),
  ];
}

function floatingIpRoutes(setting: NeutronSetting): Route[] {
  const { state } = setting;
  const fields = ["floating_network_id", "port_id", "description", "tenant_id", "project_id"];
  const effect = (action: "create" | "update" | "delete", ip: FloatingIpRecord) =>
    state.world.effects.record({
      service: `${state.name}/neutron`,
      kind: "floating-ip",
      action,
      name: ip.address,
    });
  const view = (ip: FloatingIpRecord) => ({
    id: ip.id,
    description: ip.description,
    floating_ip_address: ip.address,
    floating_network_id: ip.network.id,
    port_id: ip.port?.id ?? null,
    fixed_ip_address: ip.port?.address ?? null,
    status: ip.port ? "ACTIVE" : "DOWN",
    tenant_id: ip.project.id,
    project_id: ip.project.id,
  });
  const portFor = (id: unknown): PortRecord | undefined => {
    if (id === undefined || id === null) return undefined;
    const port = state.ports.get(String(id));
    if (!port) throw neutronFault(404, "PortNotFound", `Port ${String(id)} could not be found.`);
    return port;
  };
  return [
    neutronRoute(setting, "GET", "/floatingips", (call) =>
      neutronCollection(
        setting,
        call,
        "floatingips",
        "/floatingips",
        [...state.floatingIps.values()].filter((ip) => ip.project === call.caller.project).map(view),
        ["id", "floating_ip_address", "floating_network_id", "port_id", "status", ...project],
      ),
    ),
    neutronRoute(setting, "POST", "/floatingips", async (call) => {
      const body = call.body as { floatingip?: unknown } | undefined;
      const given = neutronBodyOf(body?.floatingip, "floatingip", fields, ["floating_network_id"]);
      const network = state.networks.find((other) => other.id === given.floating_network_id);
      if (!network?.external) {
        throw neutronFault(
          400,
          "BadRequest",
          `Bad floatingip request: Network ${String(given.floating_network_id)} is not a valid external network.`,
        );
      }
      const port = portFor(given.port_id);
      const owned = [...state.floatingIps.values()].filter((ip) => ip.project === call.caller.project);
      judgeNeutronQuota(owned.length, 1, call.caller.project.quotas.floatingIps, "floatingip");
      const address = addressIn(state, network);
      if (address === undefined) {
        throw neutronFault(
          409,
          "IpAddressGenerationFailure",
          `No more IP addresses available on network ${network.id}.`,
        );
      }
      if (port && [...state.floatingIps.values()].some((other) => other.port === port)) {
        throw neutronFault(
          409,
          "FloatingIPPortAlreadyAssociated",
          `Cannot associate floating IP ${address} with port ${port.id} using fixed IP ${port.address}, as that fixed IP already has a floating IP on external network ${network.id}.`,
        );
      }
      const ip: FloatingIpRecord = {
        id: newId(),
        project: call.caller.project,
        network,
        address,
        description: String(given.description ?? ""),
        port,
      };
      state.floatingIps.set(ip.id, ip);
      await effect("create", ip);
      return { status: 201, body: { floatingip: view(ip) } };
    }),
    neutronRoute(setting, "PUT", "/floatingips/:id", async (call) => {
      const ip = state.floatingIps.get(call.params.id!);
      if (!ip) throw missing(call.params.id!);
      const body = call.body as { floatingip?: unknown } | undefined;
      const given = neutronBodyOf(body?.floatingip, "floatingip", fields);
      const port = portFor(given.port_id);
      if (port && [...state.floatingIps.values()].some((other) => other !== ip && other.port === port)) {
        throw neutronFault(
          409,
          "FloatingIPPortAlreadyAssociated",
          `Cannot associate floating IP ${ip.address} with port ${port.id}: it has one already.`,
        );
      }
      ip.port = port;
      await effect("update", ip);
      return { status: 200, body: { floatingip: view(ip) } };
    }),
    neutronRoute(setting, "DELETE", "/floatingips/:id", async (call) => {
      const ip = state.floatingIps.get(call.params.id!);
      if (!ip || ip.project !== call.caller.project) throw missing(call.params.id!);
      state.floatingIps.delete(ip.id);
      await effect("delete", ip);
      return empty(204);
    }),
  ];
}

function missing(id: string): Error {
  return neutronFault(404, "FloatingIPNotFound", `Floating IP ${id} could not be found`);
}

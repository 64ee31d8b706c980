import { type Route, ServiceError, type ServiceRequest } from "../world/http-service.js";
import type { CentralOptions } from "./central-v1.js";
import type { MemberChange, MemberRecord, NetworkChange, NetworkRecord } from "./fabric.js";
import {
  boundMtu,
  type Fields,
  isAddress,
  isBoolean,
  isInteger,
  isObject,
  isPool,
  isRoute,
  isText,
  listOf,
  read,
} from "./input.js";
import { macAddress } from "./names.js";

const group = { id: "sandbox-group", name: "default", description: "", orgId: "sandbox-org" };

const answer = (status: number, message: string) => new ServiceError({ status, body: { message } });
const refuse = (message: string) => new ServiceError({ status: 400, body: { code: "BAD_REQUEST", message } });

const networkFields: Fields = { name: isText, description: isText, config: isObject };
const configFields: Fields = {
  dns: isObject,
  enableBroadcast: isBoolean,
  mtu: isInteger,
  multicastLimit: isInteger,
  private: isBoolean,
  routes: listOf(isRoute),
  v4AssignmentMode: isObject,
  v4IpAssignmentPools: listOf(isPool),
  v4Subnet: isText,
  v6AssignmentMode: isObject,
  v6IpAssignmentPools: listOf(isPool),
  v6Subnet: isText,
};
const memberFields: Fields = {
  name: isText,
  description: isText,
  activeBridge: isBoolean,
  noAutoAssignIps: isBoolean,
  ipv4Assignments: listOf(isAddress),
  ipv6Assignments: listOf(isAddress),
};

/** The key of a service account. */
export function guardCentralV2(request: ServiceRequest, { token }: CentralOptions): void {
  if (!request.path.startsWith("/api/v2/")) return;
  if (request.headers.authorization !== `Bearer ${token}`) throw answer(401, "unauthorized");
}

/** New Central's API v2, as far as networks and members go (its official description, as rebuilt from a generated client). One organisation with one network group. */
export function centralV2Routes({ fabric, effects }: CentralOptions): Route[] {
  const find = (id: string): NetworkRecord => {
    const network = fabric.networks.get(id);
    if (!network) throw answer(404, "network not found");
    if (network.foreign) throw answer(403, "permission denied");
    return network;
  };
  const device = (id: unknown) => {
    if (typeof id !== "string" || !/^[0-9a-f]{10}$/.test(id)) throw refuse("deviceId is no device id");
    return id;
  };
  const member = (params: Readonly<Record<string, string>>) => {
    const found = fabric.member(find(params.network!).id, device(params.device));
    if (!found) throw answer(404, "member not found");
    return found;
  };
  const record = (kind: "network" | "member", action: "create" | "update" | "delete", name: string) =>
    effects.record({ service: "zerotier", kind, action, name });
  const change = async (networkId: string, nodeId: string, wanted: MemberChange) => {
    const result = fabric.changeMember(networkId, nodeId, wanted);
    if (result.changed)
      await record("member", result.created ? "create" : "update", result.member.name || nodeId);
    return result.member;
  };
  const ok = (body: unknown) => ({ status: 200, body });
  const route = (method: string, path: string, handle: Route["handle"]): Route => ({
    method,
    path: `/api/v2${path}`,
    handle,
  });
  const setAuthorized = (verb: string, wanted: MemberChange) => [
    route("POST", `/network/:network/member/:device/${verb}`, async ({ params }) => {
      const found = member(params);
      return ok(showMember(await change(found.networkId, found.nodeId, wanted)));
    }),
    route("POST", `/network/:network/member/${verb}`, async ({ params, body }) => {
      const { id } = find(params.network!);
      if (!Array.isArray(body)) throw refuse("the body must be an array of device ids");
      for (const entry of body) {
        const found = member({ network: id, device: String(entry) });
        await change(id, found.nodeId, wanted);
      }
      return ok({ message: "done" });
    }),
  ];

  return [
    route("GET", "/network-group", () => ok({ items: [group] })),
    route("GET", "/network", () =>
      ok({ items: [...fabric.networks.values()].filter(({ foreign }) => !foreign).map(summary) }),
    ),
    route("POST", "/network-group/:group/network", async ({ params, body }) => {
      if (params.group !== group.id) throw answer(404, "network group not found");
      const wanted = readNetwork(body);
      if (!wanted.name) throw refuse("name is required");
      const network = fabric.addNetwork(wanted, {});
      await record("network", "create", network.name);
      return ok(showNetwork(network));
    }),
    route("GET", "/network/:network", ({ params }) => ok(showNetwork(find(params.network!)))),
    route("POST", "/network/:network", async ({ params, body }) => {
      const { network, changed } = fabric.changeNetwork(find(params.network!).id, readNetwork(body));
      if (changed) await record("network", "update", network.name || network.id);
      return ok(showNetwork(network));
    }),
    route("DELETE", "/network/:network", async ({ params }) => {
      const network = find(params.network!);
      fabric.removeNetwork(network.id);
      await record("network", "delete", network.name || network.id);
      return ok({ message: "done" });
    }),
    route("GET", "/network/:network/member", ({ params }) =>
      ok(fabric.members(find(params.network!).id).map(showMember)),
    ),
    // Before the routes with a device id, which would take the verb for one.
    ...setAuthorized("authorize", { authorized: true, rejected: false }),
    ...setAuthorized("de-authorize", { authorized: false, rejected: false }),
    ...setAuthorized("reject", { authorized: false, rejected: true }),
    route("POST", "/network/:network/member", async ({ params, body }) => {
      const { id } = find(params.network!);
      if (!Array.isArray(body)) throw refuse("the body must be an array");
      const wanted = body.map((entry) => {
        const { deviceId, ...fields } = (entry ?? {}) as Record<string, unknown>;
        return [device(deviceId), readMember(fields)] as const;
      });
      const shown = [];
      for (const [nodeId, fields] of wanted) shown.push(showMember(await change(id, nodeId, fields)));
      return ok(shown);
    }),
    route("DELETE", "/network/:network/member", async ({ params, body }) => {
      const { id } = find(params.network!);
      if (!Array.isArray(body)) throw refuse("the body must be an array");
      for (const entry of body) {
        const found = fabric.member(id, device((entry as { deviceId?: unknown } | null)?.deviceId));
        if (!found) throw answer(404, "member not found");
        fabric.removeMember(id, found.nodeId);
        await record("member", "delete", found.name || found.nodeId);
      }
      return ok({ message: "done" });
    }),
    route("GET", "/network/:network/member/:device", ({ params }) => ok(showMember(member(params)))),
    route("POST", "/network/:network/member/:device", async ({ params, body }) => {
      const found = member(params);
      return ok(showMember(await change(found.networkId, found.nodeId, readMember(body))));
    }),
  ];
}

function readNetwork(body: unknown): NetworkChange {
  const { config: rawConfig = {}, ...top } = read(body, networkFields, "", refuse);
  const config = read(rawConfig, configFields, "config.", refuse);
  const result: Record<string, unknown> = { ...top };
  for (const name of ["enableBroadcast", "multicastLimit", "private"])
    if (config[name] !== undefined) result[name] = config[name];
  if (config.mtu !== undefined) result.mtu = boundMtu(config.mtu as number);
  if (config.routes) {
    result.routes = (config.routes as { target: string; via?: string | null }[]).map(({ target, via }) => ({
      target,
      via: via ?? null,
    }));
  }
  if (config.v4IpAssignmentPools) result.pools = config.v4IpAssignmentPools;
  if (config.v4AssignmentMode) {
    result.v4 = read(config.v4AssignmentMode, { zt: isBoolean }, "config.v4AssignmentMode.", refuse).zt;
  }
  return result;
}

function readMember(body: unknown): MemberChange {
  const { ipv4Assignments, ipv6Assignments: _unused, ...rest } = read(body, memberFields, "", refuse);
  return { ...rest, ...(ipv4Assignments ? { ipAssignments: ipv4Assignments as string[] } : {}) };
}

function summary({ id, name, description }: NetworkRecord) {
  return { id, name, description, kind: "v1", networkGroupId: group.id, networkGroupName: group.name };
}

function showNetwork(network: NetworkRecord) {
  return {
    id: network.id,
    name: network.name,
    description: network.description,
    kind: "v1",
    networkGroupId: group.id,
    creationTime: new Date(network.creationTime).toISOString(),
    lastModified: new Date(network.lastModified).toISOString(),
    config: {
      dns: network.dns,
      enableBroadcast: network.enableBroadcast,
      mtu: network.mtu,
      multicastLimit: network.multicastLimit,
      private: network.private,
      routes: network.routes,
      v4AssignmentMode: { zt: network.v4 },
      v4IpAssignmentPools: network.pools,
      v4Subnet: network.routes.find(({ via }) => !via)?.target ?? "",
      v6AssignmentMode: network.v6,
      v6IpAssignmentPools: [],
      v6Subnet: "",
    },
  };
}

function showMember(member: MemberRecord) {
  const date = (time: number) => new Date(time).toISOString();
  const seen = member.identity !== undefined;
  const status = member.rejected ? "rejected" : member.authorized ? "authorized" : "not_authorized";
  return {
    activeBridge: member.activeBridge,
    agentVersion: seen ? "1.14.1" : "",
    arch: seen ? "x86_64" : "",
    capabilities: [],
    creationTime: date(member.creationTime),
    description: member.description,
    deviceId: member.nodeId,
    identity: member.identity ?? "",
    ipAssignment6plane: "",
    ipAssignmentRfc4193: "",
    ipv4Assignments: member.ipAssignments,
    ipv6Assignments: [],
    lastAuthorizedTime: date(member.lastAuthorizedTime),
    lastModified: date(Math.max(member.creationTime, member.lastAuthorizedTime, member.lastDeauthorizedTime)),
    lastSeen: {},
    lastSeenIp: seen ? "192.0.2.1" : "",
    macAddress: macAddress(member.networkId, member.nodeId),
    name: member.name,
    networkId: member.networkId,
    noAutoAssignIps: member.noAutoAssignIps,
    os: seen ? "linux" : "",
    revision: member.revision,
    status,
    tags: [],
  };
}

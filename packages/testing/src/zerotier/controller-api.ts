import type { Effects } from "../world/effects.js";
import { type Route, ServiceError, type ServiceRequest } from "../world/http-service.js";
import type { Fabric, MemberChange, MemberRecord, NetworkChange, NetworkRecord } from "./fabric.js";
import { boundMtu, isAddress, isBoolean, isInteger, isPool, isRoute, isText, listOf } from "./input.js";

/** What the API of a self-hosted controller needs to know. */
export interface ControllerOptions {
  readonly fabric: Fabric;
  readonly effects: Effects;
  /** The daemon's `authtoken.secret`. */
  readonly token: string;
  /** Its node id. */
  readonly controllerId: string;
}

const pattern = /^\/(unstable\/)?controller(\/|$)/;

/** The token, in the header or the query. */
export function guardController(request: ServiceRequest, { token }: ControllerOptions): void {
  if (!pattern.test(request.path) && request.path !== "/status") return;
  if (request.headers["x-zt1-auth"] !== token && request.query.get("auth") !== token)
    throw new ServiceError({ status: 401, body: {} });
}

/**
 * The controller inside a daemon of ZeroTierOne 1.14.1, as seen on a real one: ids may be chosen, members may
 * be let in before they were ever seen, values of a wrong type are ignored without a word.
 */
export function controllerRoutes({ fabric, effects, controllerId }: ControllerOptions): Route[] {
  const gone = () => new ServiceError({ status: 404 });
  const find = (id: string): NetworkRecord => {
    const network = fabric.networks.get(id);
    if (!network || network.foreign) throw gone();
    return network;
  };
  const nodeId = (text: string) => {
    if (!/^[0-9a-f]{10}$/.test(text)) throw gone();
    return text;
  };
  const record = (kind: "network" | "member", action: "create" | "update" | "delete", name: string) =>
    effects.record({ service: "zerotier", kind, action, name });
  const ok = (body: unknown) => ({ status: 200, body });
  const own = () => [...fabric.networks.values()].filter(({ foreign }) => !foreign);

  async function postNetwork(id: string | undefined, body: unknown) {
    const known = id === undefined ? undefined : fabric.networks.get(id);
    const change = takeNetwork(body);
    if (known) {
      const { network, changed } = fabric.changeNetwork(known.id, change);
      if (changed) await record("network", "update", network.name || network.id);
      return ok(showNetwork(network));
    }
    const network = fabric.addNetwork(change, id ? { id } : {});
    await record("network", "create", network.name || network.id);
    return ok(showNetwork(network));
  }

  async function postMember(params: Readonly<Record<string, string>>, body: unknown) {
    const { id } = find(params.network!);
    const { member, created, changed } = fabric.changeMember(id, nodeId(params.node!), takeMember(body));
    if (changed) await record("member", created ? "create" : "update", member.name || member.nodeId);
    return ok(showMember(member));
  }

  const routes: Route[] = [
    { method: "GET", path: "/status", handle: () => ok({ address: controllerId, online: true }) },
    {
      method: "GET",
      path: "/controller",
      handle: () => ok({ controller: true, apiVersion: 4, clock: fabric.now(), databaseReady: true }),
    },
    { method: "GET", path: "/controller/network", handle: () => ok(own().map(({ id }) => id)) },
    {
      method: "GET",
      path: "/unstable/controller/network",
      handle: () => ok({ data: own().map(showNetwork), meta: { networkCount: own().length } }),
    },
    {
      method: "GET",
      path: "/controller/network/:network",
      handle: ({ params }) => ok(showNetwork(find(params.network!))),
    },
    {
      method: "DELETE",
      path: "/controller/network/:network",
      async handle({ params }) {
        const network = find(params.network!);
        fabric.removeNetwork(network.id);
        await record("network", "delete", network.name || network.id);
        return ok(showNetwork(network));
      },
    },
    {
      method: "GET",
      path: "/controller/network/:network/member",
      handle: ({ params }) =>
        ok(
          Object.fromEntries(
            fabric.members(find(params.network!).id).map(({ nodeId, revision }) => [nodeId, revision]),
          ),
        ),
    },
    {
      method: "GET",
      path: "/unstable/controller/network/:network/member",
      handle({ params }) {
        const data = fabric.members(find(params.network!).id).map(showMember);
        return ok({ data, meta: { totalCount: data.length } });
      },
    },
    {
      method: "GET",
      path: "/controller/network/:network/member/:node",
      handle({ params }) {
        const member = fabric.member(find(params.network!).id, nodeId(params.node!));
        if (!member) throw gone();
        return ok(showMember(member));
      },
    },
    {
      method: "DELETE",
      path: "/controller/network/:network/member/:node",
      async handle({ params }) {
        const member = fabric.member(find(params.network!).id, nodeId(params.node!));
        if (!member) throw gone();
        fabric.removeMember(member.networkId, member.nodeId);
        await record("member", "delete", member.name || member.nodeId);
        return ok(showMember(member));
      },
    },
  ];
  for (const method of ["POST", "PUT"]) {
    routes.push(
      { method, path: "/controller/network", handle: ({ body }) => postNetwork(undefined, body) },
      {
        method,
        path: "/controller/network/:network",
        handle({ params, body }) {
          const id = params.network!;
          if (id === `${controllerId}______`) return postNetwork(undefined, body);
          if (!/^[0-9a-f]{16}$/.test(id) || !id.startsWith(controllerId)) throw gone();
          return postNetwork(id, body);
        },
      },
      {
        method,
        path: "/controller/network/:network/member/:node",
        handle: ({ params, body }) => postMember(params, body),
      },
    );
  }
  return routes;
}

/** Takes the values of the right type; the real controller ignores all else silently. */
function takeNetwork(body: unknown): NetworkChange {
  const given = (typeof body === "object" && body !== null ? body : {}) as Record<string, unknown>;
  const change: Record<string, unknown> = {};
  if (!isText(given.name)) change.name = given.name;
  if (!isBoolean(given.private)) change.private = given.private;
  if (!isBoolean(given.enableBroadcast)) change.enableBroadcast = given.enableBroadcast;
  if (!isInteger(given.multicastLimit)) change.multicastLimit = given.multicastLimit;
  if (!isInteger(given.mtu)) change.mtu = boundMtu(given.mtu as number);
  if (!listOf(isRoute)(given.routes)) {
    change.routes = (given.routes as { target: string; via?: string | null }[]).map(({ target, via }) => ({
      target,
      via: via ?? null,
    }));
  }
  if (!listOf(isPool)(given.ipAssignmentPools)) change.pools = given.ipAssignmentPools;
  const zt = given.v4AssignMode === "zt" || (given.v4AssignMode as { zt?: unknown } | undefined)?.zt;
  if (given.v4AssignMode !== undefined) change.v4 = zt === true;
  return change;
}

function takeMember(body: unknown): MemberChange {
  const given = (typeof body === "object" && body !== null ? body : {}) as Record<string, unknown>;
  const change: Record<string, unknown> = {};
  if (!isText(given.name)) change.name = given.name;
  for (const name of ["authorized", "activeBridge", "noAutoAssignIps"])
    if (!isBoolean(given[name])) change[name] = given[name];
  if (!listOf(isAddress)(given.ipAssignments)) change.ipAssignments = given.ipAssignments;
  return change;
}

function showNetwork(network: NetworkRecord) {
  return {
    authTokens: [null],
    authorizationEndpoint: "",
    capabilities: network.capabilities,
    clientId: "",
    creationTime: network.creationTime,
    dns: [],
    enableBroadcast: network.enableBroadcast,
    id: network.id,
    ipAssignmentPools: network.pools,
    mtu: network.mtu,
    multicastLimit: network.multicastLimit,
    name: network.name,
    nwid: network.id,
    objtype: "network",
    private: network.private,
    remoteTraceLevel: 0,
    remoteTraceTarget: null,
    revision: network.revision,
    routes: network.routes,
    rules: network.rules,
    rulesSource: "",
    ssoEnabled: false,
    tags: network.tags,
    v4AssignMode: { zt: network.v4 },
    v6AssignMode: network.v6,
  };
}

function showMember(member: MemberRecord) {
  const seen = member.identity !== undefined;
  return {
    activeBridge: member.activeBridge,
    address: member.nodeId,
    authenticationExpiryTime: 0,
    authorized: member.authorized,
    capabilities: member.capabilities,
    creationTime: member.creationTime,
    id: member.nodeId,
    ...(seen ? { identity: member.identity } : {}),
    ipAssignments: member.ipAssignments,
    lastAuthorizedCredential: null,
    lastAuthorizedCredentialType: member.lastAuthorizedTime > 0 ? "api" : null,
    lastAuthorizedTime: member.lastAuthorizedTime,
    lastDeauthorizedTime: member.lastDeauthorizedTime,
    ...(member.name ? { name: member.name } : {}),
    noAutoAssignIps: member.noAutoAssignIps,
    nwid: member.networkId,
    objtype: "member",
    remoteTraceLevel: 0,
    remoteTraceTarget: null,
    revision: member.revision,
    ssoExempt: member.ssoExempt,
    tags: member.tags,
    vMajor: seen ? 1 : -1,
    vMinor: seen ? 14 : -1,
    vProto: seen ? 12 : -1,
    vRev: seen ? 1 : -1,
  };
}

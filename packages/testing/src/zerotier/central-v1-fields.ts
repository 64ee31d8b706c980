import { ServiceError } from "../world/http-service.js";
import type { MemberChange, MemberRecord, NetworkChange, NetworkRecord } from "./fabric.js";
import {
  boundMtu,
  type Fields,
  isAddress,
  isBoolean,
  isInteger,
  isList,
  isObject,
  isPool,
  isRoute,
  isText,
  listOf,
  read,
} from "./input.js";

/** The account whose token the sandbox has. */
const ownerId = "00000000-0000-4000-8000-000000000001";

const networkFields: Fields = {
  id: "ignored",
  type: "ignored",
  clock: "ignored",
  config: isObject,
  description: isText,
  rulesSource: isText,
  permissions: "ignored",
  ownerId: "ignored",
  onlineMemberCount: "ignored",
  authorizedMemberCount: "ignored",
  totalMemberCount: "ignored",
  capabilitiesByName: isObject,
  tagsByName: isObject,
};

const networkConfigFields: Fields = {
  id: "ignored",
  creationTime: "ignored",
  lastModified: "ignored",
  capabilities: isList,
  dns: isObject,
  enableBroadcast: isBoolean,
  ipAssignmentPools: listOf(isPool),
  mtu: isInteger,
  multicastLimit: isInteger,
  name: isText,
  private: isBoolean,
  routes: listOf(isRoute),
  rules: isList,
  ssoConfig: isObject,
  tags: isList,
  v4AssignMode: isObject,
  v6AssignMode: isObject,
};

const memberFields: Fields = {
  id: "ignored",
  type: "ignored",
  clock: "ignored",
  networkId: "ignored",
  nodeId: "ignored",
  controllerId: "ignored",
  hidden: isBoolean,
  name: isText,
  description: isText,
  config: isObject,
  lastOnline: "ignored",
  lastSeen: "ignored",
  physicalAddress: "ignored",
  clientVersion: "ignored",
  protocolVersion: "ignored",
  supportsRulesEngine: "ignored",
};

const memberConfigFields: Fields = {
  activeBridge: isBoolean,
  authorized: isBoolean,
  capabilities: isList,
  creationTime: "ignored",
  id: "ignored",
  identity: "ignored",
  ipAssignments: listOf(isAddress),
  lastAuthorizedTime: "ignored",
  lastDeauthorizedTime: "ignored",
  noAutoAssignIps: isBoolean,
  revision: "ignored",
  ssoExempt: isBoolean,
  tags: isList,
  vMajor: "ignored",
  vMinor: "ignored",
  vRev: "ignored",
  vProto: "ignored",
};

const refuse = (message: string) => new ServiceError({ status: 400, body: { message } });

/** A body of `POST /network` or `POST /network/{id}`. Fields that are not in it stay as they are. */
export function readNetwork(body: unknown): NetworkChange {
  const top = read(body, networkFields, "", refuse);
  const config = read(top.config ?? {}, networkConfigFields, "config.", refuse) as {
    name?: string;
    private?: boolean;
    mtu?: number;
    multicastLimit?: number;
    enableBroadcast?: boolean;
    routes?: { target: string; via?: string | null }[];
    ipAssignmentPools?: NetworkRecord["pools"];
    v4AssignMode?: unknown;
    v6AssignMode?: unknown;
    dns?: unknown;
    rules?: unknown[];
    capabilities?: unknown[];
    tags?: unknown[];
  };
  const v4 = read(config.v4AssignMode ?? {}, { zt: isBoolean }, "config.v4AssignMode.", refuse);
  const v6 = read(
    config.v6AssignMode ?? {},
    { "6plane": isBoolean, rfc4193: isBoolean, zt: isBoolean },
    "config.v6AssignMode.",
    refuse,
  );
  return defined({
    description: top.description,
    rulesSource: top.rulesSource,
    name: config.name,
    private: config.private,
    mtu: config.mtu === undefined ? undefined : boundMtu(config.mtu),
    multicastLimit: config.multicastLimit,
    enableBroadcast: config.enableBroadcast,
    routes: config.routes?.map(({ target, via }) => ({ target, via: via ?? null })),
    pools: config.ipAssignmentPools?.map(({ ipRangeStart, ipRangeEnd }) => ({ ipRangeStart, ipRangeEnd })),
    v4: v4.zt,
    v6: config.v6AssignMode ? { "6plane": false, rfc4193: false, zt: false, ...v6 } : undefined,
    dns: config.dns,
    rules: config.rules,
    capabilities: config.capabilities,
    tags: config.tags,
  });
}

/** A body of `POST /network/{id}/member/{node}`. Fields that are not in it stay as they are. */
export function readMember(body: unknown): MemberChange {
  const { config = {}, ...top } = read(body, memberFields, "", refuse);
  return { ...top, ...read(config, memberConfigFields, "config.", refuse) };
}

/** The object without the members that are undefined. */
function defined(values: Record<string, unknown>): NetworkChange {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

/** A network as `GET /network/{id}` shows it. */
export function showNetwork(network: NetworkRecord, members: readonly MemberRecord[], now: number) {
  return {
    id: network.id,
    type: "Network",
    clock: now,
    config: {
      id: network.id,
      creationTime: network.creationTime,
      lastModified: network.lastModified,
      capabilities: network.capabilities,
      dns: network.dns,
      enableBroadcast: network.enableBroadcast,
      ipAssignmentPools: network.pools,
      mtu: network.mtu,
      multicastLimit: network.multicastLimit,
      name: network.name,
      private: network.private,
      routes: network.routes,
      rules: network.rules,
      tags: network.tags,
      v4AssignMode: { zt: network.v4 },
      v6AssignMode: network.v6,
    },
    description: network.description,
    rulesSource: network.rulesSource,
    permissions: { [ownerId]: { a: true, d: true, m: true, r: true } },
    ownerId,
    onlineMemberCount: 0,
    authorizedMemberCount: members.filter(({ authorized }) => authorized).length,
    totalMemberCount: members.length,
    capabilitiesByName: {},
    tagsByName: {},
  };
}

/** A member as `GET /network/{id}/member/{node}` shows it. */
export function showMember(member: MemberRecord, now: number) {
  const seen = member.identity !== undefined;
  return {
    id: `${member.networkId}-${member.nodeId}`,
    type: "Member",
    clock: now,
    networkId: member.networkId,
    nodeId: member.nodeId,
    controllerId: member.networkId.slice(0, 10),
    hidden: member.hidden,
    name: member.name,
    description: member.description,
    config: {
      activeBridge: member.activeBridge,
      authorized: member.authorized,
      capabilities: member.capabilities,
      creationTime: member.creationTime,
      id: member.nodeId,
      ...(seen ? { identity: member.identity } : {}),
      ipAssignments: member.ipAssignments,
      lastAuthorizedTime: member.lastAuthorizedTime,
      lastDeauthorizedTime: member.lastDeauthorizedTime,
      noAutoAssignIps: member.noAutoAssignIps,
      revision: member.revision,
      ssoExempt: member.ssoExempt,
      tags: member.tags,
      vMajor: seen ? 1 : -1,
      vMinor: seen ? 14 : -1,
      vRev: seen ? 1 : -1,
      vProto: seen ? 12 : -1,
    },
    lastOnline: member.lastSeen,
    lastSeen: member.lastSeen,
    physicalAddress: seen ? "192.0.2.1" : null,
    clientVersion: seen ? "1.14.1" : "",
    protocolVersion: seen ? 12 : 0,
    supportsRulesEngine: seen,
  };
}

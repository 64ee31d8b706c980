import type { Clock } from "../world/clock.js";
import { assignAddress, inside, toNumber, toRange } from "./addresses.js";
import { digits } from "./names.js";

/** A network as its controller keeps it. */
export interface NetworkRecord {
  readonly id: string;
  name: string;
  description: string;
  private: boolean;
  mtu: number;
  multicastLimit: number;
  enableBroadcast: boolean;
  routes: readonly { readonly target: string; readonly via: string | null }[];
  pools: readonly { readonly ipRangeStart: string; readonly ipRangeEnd: string }[];
  v4: boolean;
  v6: { readonly "6plane": boolean; readonly rfc4193: boolean; readonly zt: boolean };
  dns: unknown;
  rules: readonly unknown[];
  rulesSource: string;
  capabilities: readonly unknown[];
  tags: readonly unknown[];
  /** Belongs to another account: nodes can join it, the API refuses it. */
  readonly foreign: boolean;
  readonly creationTime: number;
  lastModified: number;
  revision: number;
}

/** What of a network can be set. */
export type NetworkChange = Partial<
  Omit<NetworkRecord, "id" | "foreign" | "creationTime" | "lastModified" | "revision">
>;

/** A member as the controller keeps it. */
export interface MemberRecord {
  readonly networkId: string;
  readonly nodeId: string;
  name: string;
  description: string;
  hidden: boolean;
  authorized: boolean;
  rejected: boolean;
  activeBridge: boolean;
  noAutoAssignIps: boolean;
  ssoExempt: boolean;
  ipAssignments: readonly string[];
  capabilities: readonly unknown[];
  tags: readonly unknown[];
  readonly creationTime: number;
  lastAuthorizedTime: number;
  lastDeauthorizedTime: number;
  revision: number;
  /** Set at the node's first contact. */
  identity: string | undefined;
  lastSeen: number;
}

/** What of a member can be set. */
export type MemberChange = Partial<
  Pick<
    MemberRecord,
    | "name"
    | "description"
    | "hidden"
    | "authorized"
    | "rejected"
    | "activeBridge"
    | "noAutoAssignIps"
    | "ssoExempt"
    | "ipAssignments"
    | "capabilities"
    | "tags"
  >
>;

/** What a node gets when it asks for a network. */
export type Configuration =
  | { readonly status: "OK"; readonly network: NetworkRecord; readonly addresses: readonly string[] }
  | { readonly status: "ACCESS_DENIED"; readonly network: NetworkRecord }
  | { readonly status: "NOT_FOUND" }
  /** Nobody answers: there is no controller of this id. */
  | { readonly status: "SILENCE" };

/** All networks and members, as the controllers behind every API have them. */
export type Fabric = ReturnType<typeof createFabric>;

/** @param controllerId node id of the controller that new networks are made on: the first 10 digits of their ids. */
export function createFabric(clock: Clock, controllerId: string) {
  const networks = new Map<string, NetworkRecord>();
  const members = new Map<string, Map<string, MemberRecord>>();
  const listeners = new Map<string, Set<() => void>>();
  const controllers = new Set([controllerId]);
  let made = 0;

  const key = (networkId: string, nodeId: string) => `${networkId} ${nodeId}`;
  const tell = (networkId: string, nodeId?: string) => {
    for (const [name, set] of listeners) {
      if (nodeId ? name === key(networkId, nodeId) : name.startsWith(`${networkId} `))
        for (const listener of [...set]) listener();
    }
  };
  const now = () => Math.round(clock.now());

  function addNetwork(change: NetworkChange, fixed: { readonly id?: string; readonly foreign?: boolean }) {
    let id = fixed.id;
    while (!id || networks.has(id)) id = controllerId + digits(`network ${++made}`, 6);
    controllers.add(id.slice(0, 10));
    const network: NetworkRecord = {
      id,
      name: "",
      description: "",
      private: true,
      mtu: 2800,
      multicastLimit: 32,
      enableBroadcast: true,
      routes: [],
      pools: [],
      v4: false,
      v6: { "6plane": false, rfc4193: false, zt: false },
      dns: { domain: "", servers: [] },
      rules: [{ not: false, or: false, type: "ACTION_ACCEPT" }],
      rulesSource: "accept;",
      capabilities: [],
      tags: [],
      foreign: fixed.foreign ?? false,
      creationTime: now(),
      lastModified: now(),
      revision: 1,
      ...change,
    };
    networks.set(id, network);
    members.set(id, new Map());
    tell(id);
    return network;
  }

  function addMember(networkId: string, nodeId: string): MemberRecord {
    const member: MemberRecord = {
      networkId,
      nodeId,
      name: "",
      description: "",
      hidden: false,
      authorized: false,
      rejected: false,
      activeBridge: false,
      noAutoAssignIps: false,
      ssoExempt: false,
      ipAssignments: [],
      capabilities: [],
      tags: [],
      creationTime: now(),
      lastAuthorizedTime: 0,
      lastDeauthorizedTime: 0,
      revision: 0,
      identity: undefined,
      lastSeen: 0,
    };
    members.get(networkId)!.set(nodeId, member);
    return member;
  }

  function changeMember(networkId: string, nodeId: string, change: MemberChange) {
    const existing = members.get(networkId)!.get(nodeId);
    const member = existing ?? addMember(networkId, nodeId);
    const before = JSON.stringify(member);
    if (change.authorized === true && !member.authorized) member.lastAuthorizedTime = now();
    if (change.authorized === false && member.authorized) member.lastDeauthorizedTime = now();
    Object.assign(member, change);
    const changed = !existing || JSON.stringify(member) !== before;
    if (changed) {
      member.revision += 1;
      tell(networkId, nodeId);
    }
    return { member, created: !existing, changed };
  }

  function changeNetwork(id: string, change: NetworkChange) {
    const network = networks.get(id)!;
    const before = JSON.stringify(network);
    Object.assign(network, change);
    const changed = JSON.stringify(network) !== before;
    if (changed) {
      network.revision += 1;
      network.lastModified = now();
      tell(id);
    }
    return { network, changed };
  }

  /** A node asks for a network. One that the controller does not know becomes an unauthorised member by that. */
  function request(networkId: string, nodeId: string, identity: string): Configuration {
    const network = networks.get(networkId);
    if (!network) return { status: controllers.has(networkId.slice(0, 10)) ? "NOT_FOUND" : "SILENCE" };
    const known = members.get(networkId)!;
    const member = known.get(nodeId) ?? addMember(networkId, nodeId);
    member.identity = identity;
    member.lastSeen = now();
    if (network.private && !member.authorized) return { status: "ACCESS_DENIED", network };
    const ranges = network.routes.flatMap(({ target, via }) => (via ? [] : (toRange(target) ?? [])));
    const routed = (text: string) => {
      const address = toNumber(text);
      const range = address === undefined ? undefined : ranges.find((range) => inside(range, address));
      return range ? [`${text}/${range.bits}`] : [];
    };
    if (network.v4 && !member.noAutoAssignIps && member.ipAssignments.flatMap(routed).length === 0) {
      const taken = new Set([...known.values()].flatMap(({ ipAssignments }) => ipAssignments));
      const given = assignAddress({ nodeId, pools: network.pools, routes: network.routes, taken });
      if (given) member.ipAssignments = [...member.ipAssignments, given];
    }
    return { status: "OK", network, addresses: member.ipAssignments.flatMap(routed) };
  }

  return {
    networks: networks as ReadonlyMap<string, NetworkRecord>,
    members: (networkId: string): readonly MemberRecord[] => [...(members.get(networkId)?.values() ?? [])],
    member: (networkId: string, nodeId: string) => members.get(networkId)?.get(nodeId),
    addNetwork,
    changeNetwork,
    changeMember,
    removeNetwork(id: string) {
      networks.delete(id);
      members.delete(id);
      tell(id);
    },
    removeMember(networkId: string, nodeId: string) {
      const removed = members.get(networkId)?.delete(nodeId) ?? false;
      if (removed) tell(networkId, nodeId);
      return removed;
    },
    request,
    /** Calls back when something about a node's membership may have changed; returns a function that ends it. */
    watch(networkId: string, nodeId: string, listener: () => void): () => void {
      const set = listeners.get(key(networkId, nodeId)) ?? new Set();
      listeners.set(key(networkId, nodeId), set.add(listener));
      return () => {
        set.delete(listener);
        if (set.size === 0) listeners.delete(key(networkId, nodeId));
      };
    },
    now,
  };
}

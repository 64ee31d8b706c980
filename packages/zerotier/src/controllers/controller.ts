import type { CallContext } from "@multicloud/core/plugin";

/** A network in a list of the account's networks. */
export interface NetworkSummary {
  readonly id: string;
  readonly name: string;
  /** The cluster whose mark it carries. */
  readonly owner: string | undefined;
}

/** One route that members get. Without `via` the target is on the network itself. */
export interface NetworkRoute {
  readonly target: string;
  readonly via?: string;
}

/** A range of addresses that are given out, both ends included. */
export interface AddressPool {
  readonly start: string;
  readonly end: string;
}

/** What decides whether a node gets an address. IPv4 only. */
export interface NetworkSettings {
  readonly name: string;
  /** Members must be let in. */
  readonly private: boolean;
  /** The controller gives out addresses of the pools (`v4AssignMode.zt`). */
  readonly autoAssign: boolean;
  readonly pools: readonly AddressPool[];
  readonly routes: readonly NetworkRoute[];
  readonly mtu: number;
}

/** A network with its settings. */
export interface NetworkDetails extends NetworkSummary, NetworkSettings {}

/** A node as the controller of a network knows it. */
export interface NetworkMember {
  /** Node id, 10 hexadecimal digits. */
  readonly id: string;
  /** Name without the mark. */
  readonly name: string;
  /** What a person wrote about it, without the mark; empty where the controller has no such field. */
  readonly description: string;
  /** The cluster whose mark it carries; `undefined` is a person's. */
  readonly owner: string | undefined;
  readonly authorized: boolean;
  /** Addresses without prefix length; empty until the node has asked for its configuration. */
  readonly addresses: readonly string[];
}

/** How a member is let in. */
export interface Authorization {
  readonly name: string;
  readonly cluster: string;
  /** Fixed addresses instead of ones of the pool. */
  readonly addresses?: readonly string[];
  /** The member as last seen; `undefined` when the controller has not heard of the node yet. */
  readonly known: NetworkMember | undefined;
}

/**
 * The service that decides who is on a network: ZeroTier Central (both generations) or a self-hosted
 * controller. Each keeps the mark of a cluster where it has room for it. Calls are bounded, retried when that
 * is safe and paced to the service's rate limit; things that are gone are no error for a delete.
 */
export interface ZeroTierController {
  /** Name for messages, for example `ZeroTier Central`. */
  readonly title: string;
  listNetworks(call: CallContext): Promise<readonly NetworkSummary[]>;
  /** `undefined` when there is none of this id that the credentials may see. */
  getNetwork(call: CallContext, id: string): Promise<NetworkDetails | undefined>;
  /** Makes a network with the cluster's mark, in one request, so that a cut-off call leaves nothing unmarked. */
  createNetwork(call: CallContext, settings: NetworkSettings, cluster: string): Promise<NetworkDetails>;
  updateNetwork(call: CallContext, id: string, settings: NetworkSettings): Promise<NetworkDetails>;
  deleteNetwork(call: CallContext, id: string): Promise<void>;
  listMembers(call: CallContext, networkId: string): Promise<readonly NetworkMember[]>;
  /** Lets a node in, names it and marks it. */
  authorize(
    call: CallContext,
    networkId: string,
    memberId: string,
    authorization: Authorization,
  ): Promise<NetworkMember>;
  /** Shuts a member out and forgets it. A mere delete would not last: a node that is alive asks again. */
  remove(call: CallContext, networkId: string, member: NetworkMember): Promise<void>;
}

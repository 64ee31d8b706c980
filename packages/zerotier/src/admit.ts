import {
  type CallContext,
  delay,
  MulticloudError,
  type OverlayAddress,
  type OverlayNetwork,
} from "@multicloud/core/plugin";
import type { NetworkMember, ZeroTierController } from "./controllers/controller.js";
import { interfaceName } from "./interface-name.js";
import type { MemberDirectory } from "./member-directory.js";
import { look, type OverlayNode } from "./node/look.js";
import { addressOf, type NodeState } from "./node/node-state.js";

/** What admitting a node needs besides the call. */
export interface AdmitOptions {
  readonly controller: ZeroTierController;
  readonly directory: MemberDirectory;
  readonly waitSeconds: number;
  /** The node's fixed address, if it has one. */
  readonly address: string | undefined;
}

/**
 * Lets one node in. Two SSH round trips and one write for a new node; one round trip and no write for one
 * that is in.
 *
 * @throws MulticloudError `OVERLAY_FAILED` when the node does not get its address, `CONFLICT` when it is
 *   another cluster's member.
 */
export async function admit(
  context: CallContext,
  network: OverlayNetwork,
  node: OverlayNode,
  options: AdmitOptions,
): Promise<OverlayAddress> {
  const { directory, waitSeconds } = options;
  const lookedAt = Date.now();
  let state = await look(context, node, network.id, 0);
  checkInterface(state, network, node);
  const enter = (members: ReadonlyMap<string, NetworkMember>) =>
    letIn(context, network, node, state.nodeId, members, options);
  let wrote = await enter(await directory.list(context));
  if (!wrote && isDenied(state)) wrote = await enter(await directory.list(context, lookedAt));
  if (wrote || !addressOf(state)) state = await look(context, node, network.id, waitSeconds);
  // Somebody may have shut it out while it was waiting. Once: nobody should fight over a member.
  if (isDenied(state) && (await enter(await directory.list(context, Date.now()))))
    state = await look(context, node, network.id, waitSeconds);
  checkInterface(state, network, node);
  const address = addressOf(state);
  if (!address) throw notIn(state, network, node, waitSeconds);
  return { memberId: state.nodeId, address, interfaceName: network.interfaceName };
}

function isDenied(state: NodeState): boolean {
  return state.network?.status === "ACCESS_DENIED";
}

/** Makes the node an authorised member with our name and mark; false when it is one already. */
async function letIn(
  context: CallContext,
  network: OverlayNetwork,
  node: OverlayNode,
  id: string,
  members: ReadonlyMap<string, NetworkMember>,
  { controller, directory, address }: AdmitOptions,
): Promise<boolean> {
  const { cluster } = context;
  const known = members.get(id);
  if (known?.owner !== undefined && known.owner !== cluster) {
    throw new MulticloudError(
      `node ${node.name} is on ZeroTier network ${network.id} as member ${id} of cluster ${known.owner}`,
      {
        code: "CONFLICT",
        node: node.name,
        service: "zerotier",
        hint: `take the machine out of cluster ${known.owner} first, or remove the mark from the member's description`,
      },
    );
  }
  if (known?.authorized && known.owner === undefined) {
    context.report({
      type: "log",
      level: "info",
      node: node.name,
      source: "zerotier",
      message: `member ${id} was let in by somebody else and is left as it is`,
    });
    return false;
  }
  for (const stale of members.values()) {
    // A machine of this name that is no more: its member would keep the name and perhaps the address.
    if (stale.id !== id && stale.owner === cluster && stale.name === node.name) {
      await controller.remove(context, network.id, stale);
      directory.note(stale.id, undefined);
    }
  }
  const right =
    known?.authorized && known.name === node.name && (!address || known.addresses.includes(address));
  if (right) return false;
  const authorization = {
    name: node.name,
    cluster,
    known,
    ...(address ? { addresses: [address] } : {}),
  };
  const member = await retryUnknown(context, () =>
    controller.authorize(context, network.id, id, authorization),
  );
  directory.note(id, member);
  return true;
}

/** A controller that only knows nodes which have asked for the network answers 404 for some seconds after the node's start. */
async function retryUnknown<T>(context: CallContext, write: () => Promise<T>): Promise<T> {
  for (let tried = 1; ; tried++) {
    try {
      return await write();
    } catch (error) {
      if (!MulticloudError.isInstance(error) || error.code !== "NOT_FOUND" || tried >= 10) throw error;
      await delay(1000, context.signal);
    }
  }
}

function checkInterface(state: NodeState, network: OverlayNetwork, node: OverlayNode): void {
  const reported = state.network?.interfaceName;
  if (!reported || reported === network.interfaceName) return;
  const expected = interfaceName(network.id);
  throw new MulticloudError(
    `ZeroTier on node ${node.name} calls the interface of network ${network.id} ${reported}, not ${network.interfaceName}`,
    {
      code: "OVERLAY_FAILED",
      node: node.name,
      service: "zerotier",
      hint: `the cluster's network plugin uses one name on all nodes: remove the line of this network from /var/lib/zerotier-one/devicemap, or the other interface called ${expected}, and restart zerotier-one`,
    },
  );
}

function notIn(
  state: NodeState,
  network: OverlayNetwork,
  node: OverlayNode,
  waitSeconds: number,
): MulticloudError {
  const status = state.network?.status ?? "not on the network";
  const [what, hint] = explain(status, state, network, waitSeconds);
  return new MulticloudError(`node ${node.name} did not get onto ZeroTier network ${network.id}: ${what}`, {
    code: "OVERLAY_FAILED",
    node: node.name,
    service: "zerotier",
    hint,
  });
}

function explain(
  status: string,
  state: NodeState,
  network: OverlayNetwork,
  waitSeconds: number,
): readonly [what: string, hint: string] {
  switch (status) {
    case "NOT_FOUND":
      return [
        "its controller knows no such network (NOT_FOUND)",
        "check the network id; the network may have been deleted",
      ];
    case "ACCESS_DENIED":
      return [
        `member ${state.nodeId} is authorised, but after ${waitSeconds} s the node is still refused (ACCESS_DENIED)`,
        "see that nobody takes the authorisation back, and that UDP to the internet is open on the node",
      ];
    case "PORT_ERROR":
      return [
        "the network interface could not be made (PORT_ERROR)",
        "see that /dev/net/tun exists on the node; containers need it passed through",
      ];
    case "REQUESTING_CONFIGURATION":
      return [
        `no answer from the network's controller ${network.id.slice(0, 10)} after ${waitSeconds} s`,
        "see that outgoing UDP is open on the node, and that the network id is right: an unknown controller never answers",
      ];
    case "AUTHENTICATION_REQUIRED":
      return [
        "the network wants a person to log in (SSO)",
        "switch SSO off for this network or exempt the members",
      ];
    case "CLIENT_TOO_OLD":
      return [
        `ZeroTier ${state.version} is too old for this network`,
        "upgrade the package zerotier-one on the node",
      ];
    case "OK":
      return state.network?.assigned.length
        ? [
            `ZeroTier reports ${state.network.assigned.join(", ")}, but the interface ${network.interfaceName} does not have it`,
            "see that allowManaged is on for the network, and restart zerotier-one on the node",
          ]
        : [
            "it is in, but has no IPv4 address",
            "the network needs v4AssignMode.zt, a free address in its pool, and a route that contains the pool",
          ];
    default:
      return [`its state is ${status}`, "see `zerotier-cli listnetworks` on the node"];
  }
}

import { type CallContext, MulticloudError, type Overlay } from "@multicloud/core/plugin";
import { admit } from "./admit.js";
import { bootFragment } from "./boot.js";
import { check } from "./check.js";
import { checkOptions } from "./check-options.js";
import { createController } from "./controllers/create-controller.js";
import { leave } from "./leave.js";
import { createMemberDirectory, type MemberDirectory } from "./member-directory.js";
import { ensureOwnNetwork, ownNetwork, toOverlayNetwork } from "./network.js";
import type { ZeroTierOptions } from "./options.js";

/**
 * A ZeroTier network as the overlay of a cluster: nodes behind NAT and in different clouds get addresses of
 * one network, and reach each other without open ports.
 *
 * Members carry the node's name and the mark `multicloud:<cluster>` in their description. Only members with
 * the cluster's own mark are changed or removed, so several clusters and people can share one network.
 *
 * Reads the environment variables `ZEROTIER_CENTRAL_TOKEN` and `ZEROTIER_CENTRAL_URL` (for a self-hosted
 * controller `ZEROTIER_CONTROLLER_TOKEN` and `ZEROTIER_CONTROLLER_URL`) when the options `token` and
 * `baseURL` are not given.
 *
 * @example
 * ```ts
 * zerotier({ network: "8056c2e21c000001" })
 * zerotier({ create: { cidr: "10.147.17.0/24", mtu: 1400 } })
 * ```
 */
export function zerotier(options: ZeroTierOptions): Overlay {
  const controller = createController(options);
  const directories = new Map<string, MemberDirectory>();
  const directory = (networkId: string) => {
    const known = directories.get(networkId) ?? createMemberDirectory(controller, networkId);
    directories.set(networkId, known);
    return known;
  };

  /** The id without asking for the network's settings. */
  async function networkId(context: CallContext): Promise<string | undefined> {
    if (!options.create) return options.network;
    return ownNetwork(await controller.listNetworks(context), context.cluster)?.id;
  }

  async function find(context: CallContext) {
    refuseBadOptions(options);
    const id = await networkId(context);
    const network = id === undefined ? undefined : await controller.getNetwork(context, id);
    if (network) return toOverlayNetwork(network);
    if (options.create) return undefined;
    throw new MulticloudError(`ZeroTier network ${id} does not exist for this account`, {
      code: "NOT_FOUND",
      service: "zerotier",
      hint: "check the network id and that the API token belongs to the account that has the network",
    });
  }

  return {
    specVersion: "v1",
    name: "zerotier",
    check: (context) => check(context, controller, options),
    find,

    async ensure(context) {
      if (!options.create) return (await find(context))!;
      refuseBadOptions(options);
      return toOverlayNetwork(await ensureOwnNetwork(context, controller, options.create));
    },

    boot: (network) => bootFragment(network.id, options),

    admit: (context, network, node) =>
      admit(context, network, node, {
        controller,
        directory: directory(network.id),
        waitSeconds: Math.ceil((options.admitTimeoutMs ?? 120_000) / 1000),
        address: options.addresses?.[node.name],
      }),

    leave,

    async members(context) {
      const id = await networkId(context);
      if (id === undefined) return [];
      const members = await directory(id).list(context, Date.now());
      return [...members.values()]
        .filter(({ owner }) => owner === context.cluster)
        .map(({ id, name, addresses }) => {
          const address = addresses.find((candidate) => candidate.includes("."));
          return { id, node: name, ...(address ? { address } : {}) };
        });
    },

    async remove(context, members) {
      const id = members.length === 0 ? undefined : await networkId(context);
      if (id === undefined) return;
      // What the caller holds may be old: what is ours is read from the controller, not from the caller.
      const now = await directory(id).list(context, Date.now());
      for (const { id: memberId } of members) {
        const member = now.get(memberId);
        if (member?.owner !== context.cluster) continue;
        await controller.remove(context, id, member);
        directory(id).note(memberId, undefined);
      }
    },

    async destroy(context) {
      if (!options.create) return;
      for (const network of await controller.listNetworks(context)) {
        if (network.owner !== context.cluster) continue;
        await controller.deleteNetwork(context, network.id);
        directories.delete(network.id);
      }
    },
  };
}

function refuseBadOptions(options: ZeroTierOptions): void {
  const problem = checkOptions(options).at(0);
  if (!problem) return;
  throw new MulticloudError(`zerotier: ${problem.path}: ${problem.message}`, {
    code: "CONFIG_INVALID",
    service: "zerotier",
    hint: problem.hint,
  });
}

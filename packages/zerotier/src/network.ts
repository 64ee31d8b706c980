import { type CallContext, MulticloudError, type OverlayNetwork } from "@multicloud/core/plugin";
import type {
  NetworkDetails,
  NetworkSettings,
  NetworkSummary,
  ZeroTierController,
} from "./controllers/controller.js";
import { interfaceName } from "./interface-name.js";
import { contains, hostRange, parseAddress, parseCidr } from "./ipv4.js";
import type { NetworkCreation } from "./options.js";

/** Where the members of a network are: its first local route that a pool lies in, else its first local route. */
function memberRange(network: NetworkSettings): string | undefined {
  const local = network.routes.filter(({ target, via }) => !via && parseCidr(target));
  const pooled = local.find(({ target }) =>
    network.pools.some(({ start }) => {
      const address = parseAddress(start);
      return address !== undefined && contains(parseCidr(target)!, address);
    }),
  );
  return (pooled ?? local[0])?.target;
}

/** A network as core knows it. */
export function toOverlayNetwork(network: NetworkDetails): OverlayNetwork {
  const cidr = memberRange(network);
  return { id: network.id, interfaceName: interfaceName(network.id), ...(cidr ? { cidr } : {}) };
}

/** The settings that a network made by us has. `create` must have passed its checks. */
function wantedSettings(create: NetworkCreation, cluster: string): NetworkSettings {
  return {
    name: create.name ?? cluster,
    private: true,
    autoAssign: true,
    pools: [create.pool ?? hostRange(parseCidr(create.cidr)!)],
    routes: [{ target: create.cidr }, ...(create.routes ?? [])],
    mtu: create.mtu ?? 2800,
  };
}

/** The cluster's own network. Two of them (from a race of two operators without a common lock) give the same answer to everybody. */
export function ownNetwork(networks: readonly NetworkSummary[], cluster: string): NetworkSummary | undefined {
  return networks
    .filter(({ owner }) => owner === cluster)
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .at(0);
}

/** The cluster's own network, made if it is not there and put right if somebody changed it. */
export async function ensureOwnNetwork(
  context: CallContext,
  controller: ZeroTierController,
  create: NetworkCreation,
): Promise<NetworkDetails> {
  const wanted = wantedSettings(create, context.cluster);
  const find = async () => ownNetwork(await controller.listNetworks(context), context.cluster);
  const found = await find();
  if (!found) return await createOnce(context, controller, wanted, find);
  const details = await controller.getNetwork(context, found.id);
  if (details && same(details, wanted)) return details;
  return await controller.updateNetwork(context, found.id, wanted);
}

/** Creates, and looks once more when the answer got lost on its way. */
async function createOnce(
  context: CallContext,
  controller: ZeroTierController,
  wanted: NetworkSettings,
  find: () => Promise<NetworkSummary | undefined>,
): Promise<NetworkDetails> {
  let created: NetworkDetails;
  try {
    created = await controller.createNetwork(context, wanted, context.cluster);
  } catch (error) {
    if (context.signal.aborted || !mayHaveHappened(error)) throw error;
    const found = await find();
    if (!found) throw error;
    return await controller.updateNetwork(context, found.id, wanted);
  }
  // A service that makes a bare network and ignores the settings gets them now.
  return same(created, wanted) ? created : await controller.updateNetwork(context, created.id, wanted);
}

function mayHaveHappened(error: unknown): boolean {
  return (
    MulticloudError.isInstance(error) &&
    (error.code === "SERVICE_UNREACHABLE" || error.code === "SERVICE_FAILED")
  );
}

function same(network: NetworkSettings, wanted: NetworkSettings): boolean {
  const key = (settings: NetworkSettings) =>
    JSON.stringify([
      settings.name,
      settings.private,
      settings.autoAssign,
      settings.mtu,
      settings.pools.map(({ start, end }) => [start, end]),
      settings.routes.map(({ target, via }) => `${target} ${via ?? ""}`).sort(),
    ]);
  return key(network) === key(wanted);
}

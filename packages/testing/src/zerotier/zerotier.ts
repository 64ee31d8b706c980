import { type ServedCall, startService } from "../world/http-service.js";
import type { World } from "../world/world.js";
import { toRange, toText } from "./addresses.js";
import { centralV1Routes, guardCentralV1 } from "./central-v1.js";
import { centralV2Routes, guardCentralV2 } from "./central-v2.js";
import { controllerRoutes, guardController } from "./controller-api.js";
import { createFabric, type MemberRecord, type NetworkChange, type NetworkRecord } from "./fabric.js";
import { zerotierModule } from "./machine-module.js";
import { createRateLimit } from "./rate-limit.js";

/** A network that is there before anybody asks for it. */
export interface NetworkPreset extends NetworkChange {
  /** 16 hexadecimal digits; default: a new id of the sandbox's controller. */
  readonly id?: string;
  /** Members' addresses, for example `10.147.17.0/24`: makes the route and a pool of all its addresses, and turns assignment on. */
  readonly cidr?: string;
  /** Of another account: the API refuses it, nodes can ask for it. */
  readonly foreign?: boolean;
}

/** Settings of the emulated ZeroTier. */
export interface ZeroTierWorldOptions {
  /** API token of Central and key of its API v2. Default: a fixed one. */
  readonly token?: string;
  /** Requests to Central v1 per virtual second before it answers 429. Default 20, as without a plan. */
  readonly requestsPerSecond?: number;
  /** Networks from the start. Default: one, `8056c2e21c000001` with 10.147.0.0/16. */
  readonly networks?: readonly NetworkPreset[];
}

/** A network with its members, as a test sees it. */
export interface ListedNetwork extends Readonly<NetworkRecord> {
  readonly members: readonly Readonly<MemberRecord>[];
}

/** The emulated ZeroTier: Central's APIs, a self-hosted controller's API, and the daemon on the machines. */
export interface ZeroTierWorld {
  /** Base URL of Central's API v1. */
  readonly url: string;
  /** Base URL of Central's API v2 and of the self-hosted controller's API. */
  readonly origin: string;
  readonly token: string;
  /** The self-hosted controller's `authtoken.secret`. */
  readonly controllerToken: string;
  /** Ids of all networks. */
  readonly networks: readonly string[];
  /** Every API call so far. */
  readonly calls: readonly ServedCall[];
  /** All networks and members, also of other accounts. */
  list(): readonly ListedNetwork[];
  createNetwork(preset: NetworkPreset): ListedNetwork;
  close(): Promise<void>;
}

const controllerId = "8056c2e21c";

/**
 * Starts the emulated ZeroTier and gives the world's machines the package `zerotier-one`.
 *
 * Not emulated: peers and paths, IPv6 addresses, flow rules, SSO, ad-hoc networks (`ff…`), moons. Packets do
 * not stop when a member loses its authorisation; only its status changes, and its address stays, as it does
 * on real nodes.
 */
export async function createZeroTier(
  world: World,
  options: ZeroTierWorldOptions = {},
): Promise<ZeroTierWorld> {
  const { clock, effects, faults, timing } = world;
  const token = options.token ?? "sandbox0central0token0for0tests0";
  const controllerToken = "sandbox0controller0token";
  const fabric = createFabric(clock, controllerId);
  const central = {
    fabric,
    effects,
    token,
    tooMany: createRateLimit(clock, options.requestsPerSecond ?? 20),
  };
  const controller = { fabric, effects, token: controllerToken, controllerId };

  function createNetwork({ id, cidr, foreign, ...change }: NetworkPreset): ListedNetwork {
    const addressed = cidr ? addressing(cidr) : {};
    const fixed = { ...(id ? { id } : {}), ...(foreign ? { foreign } : {}) };
    return { ...fabric.addNetwork({ ...addressed, ...change }, fixed), members: [] };
  }
  const presets = options.networks ?? [{ id: "8056c2e21c000001", name: "fleet", cidr: "10.147.0.0/16" }];
  for (const preset of presets) createNetwork(preset);

  world.machines.use(zerotierModule(world, fabric));
  const service = await startService({
    name: "zerotier",
    clock,
    faults,
    latencyMs: () => timing.apiCallMs,
    before(request) {
      guardCentralV1(request, central);
      guardCentralV2(request, central);
      guardController(request, controller);
      return undefined;
    },
    errorBody: (status, message) => (status >= 500 ? { message } : undefined),
    routes: [...centralV1Routes(central), ...centralV2Routes(central), ...controllerRoutes(controller)],
  });

  return {
    url: `${service.url}/api/v1`,
    origin: service.url,
    token,
    controllerToken,
    get networks() {
      return [...fabric.networks.keys()];
    },
    calls: service.calls,
    list: () =>
      [...fabric.networks.values()].map((network) => ({
        ...network,
        members: fabric.members(network.id).map((member) => ({ ...member })),
      })),
    createNetwork,
    close: service.close,
  };
}

function addressing(cidr: string): NetworkChange {
  const range = toRange(cidr);
  if (!range) throw new RangeError(`not an IPv4 network: ${cidr}`);
  const last = range.base + 2 ** (32 - range.bits) - 1;
  return {
    v4: true,
    routes: [{ target: cidr, via: null }],
    pools: [{ ipRangeStart: toText(range.base + 1), ipRangeEnd: toText(last - 1) }],
  };
}

import { createHash } from "node:crypto";
import { type Service, startService } from "../world/http-service.js";
import type { World } from "../world/world.js";
import {
  defaultImages,
  defaultRegions,
  defaultSizes,
  type ImageOption,
  type RegionOption,
  type SizeOption,
} from "./catalogue.js";
import { dropletBody, dropletRoutes } from "./droplets.js";
import { errorBody, refuse } from "./errors.js";
import { firewallRoutes } from "./firewalls.js";
import { createRateLimit, type RateLimits } from "./rate-limit.js";
import { referenceDataRoutes } from "./reference-data.js";
import { reservedIpRoutes } from "./reserved-ips.js";
import { sshKeyRoutes } from "./ssh-keys.js";
import { type Droplet, type Firewall, type SshKey, type Store, serviceName, type Vpc } from "./store.js";
import { tagRoutes } from "./tags.js";
import { volumeRoutes } from "./volumes.js";

/** Settings of the emulated account. */
export interface DigitalOceanCloudOptions {
  /** Tokens that are let in, all with full rights. Default: one, given as `token` of the result. */
  readonly tokens?: readonly string[];
  readonly regions?: readonly RegionOption[];
  readonly sizes?: readonly SizeOption[];
  readonly images?: readonly ImageOption[];
  /** First two bytes of the droplets' public addresses, default `198.19` (RFC 2544: never routed in the internet). */
  readonly addressPrefix?: string;
  /** Droplets that the account may have, default 25. */
  readonly dropletLimit?: number;
  /** Reserved addresses that the account may have, default 3. */
  readonly reservedIpLimit?: number;
  /** Default of `per_page`: 20. */
  readonly pageSize?: number;
  /** Local network of the world that the droplets stand in besides their public address. Default: none. */
  readonly lan?: string;
  /** Rate limits, counted in virtual time. Default: the real ones; `false`, or a clock that makes everything happen at once, is without. */
  readonly rateLimits?: RateLimits | false;
}

/** A running emulated DigitalOcean account. */
export interface DigitalOceanCloud {
  /** To be used as the API's base URL: `http://127.0.0.1:<port>`. */
  readonly url: string;
  /** A token that is let in. */
  readonly token: string;
  readonly calls: Service["calls"];
  /** Everything that the account holds, to prove that nothing is left. */
  list(): {
    readonly droplets: readonly Droplet[];
    readonly keys: readonly SshKey[];
    readonly tags: readonly string[];
    readonly firewalls: readonly { readonly id: string; readonly name: string }[];
    readonly volumes: readonly string[];
    readonly reservedIps: readonly string[];
  };
  /** Lets the next droplet's create action end in `errored`: it disappears, or stays `new` for good. */
  failNextCreate(how: "vanishes" | "stays"): void;
  close(): Promise<void>;
}

/**
 * Starts an emulation of DigitalOcean's API v2 on loopback, strict where the service is: token, names, types,
 * unknown fields, quotas, rate limits, pages. Droplets boot as machines of the world. Requests' shapes are
 * from DigitalOcean's OpenAPI document; texts of errors are as seen in public issue threads where the
 * document gives none.
 */
export async function createDigitalOcean(
  world: World,
  options: DigitalOceanCloudOptions = {},
): Promise<DigitalOceanCloud> {
  const tokens = options.tokens ?? [
    `dop_v1_${createHash("sha256").update(crypto.randomUUID()).digest("hex")}`,
  ];
  const store = createStore(world, options);
  const limited = options.rateLimits !== false && (world.clock.scale > 0 || options.rateLimits !== undefined);
  const count = createRateLimit(world.clock, options.rateLimits || {});
  const service = await startService({
    name: serviceName,
    clock: world.clock,
    faults: world.faults,
    errorBody,
    latencyMs: ({ method, path }) =>
      method === "POST" && path === "/v2/droplets" ? world.timing.createCallMs : world.timing.apiCallMs,
    before(request) {
      const token = /^Bearer (\S+)$/.exec(request.headers.authorization ?? "")?.[1];
      if (!token || !tokens.includes(token)) throw refuse(401, "Unable to authenticate you");
      return {
        ...(limited ? count(token, request) : unlimited(world)),
        "x-request-id": crypto.randomUUID(),
      };
    },
    routes: [
      ...referenceDataRoutes(store),
      ...sshKeyRoutes(store),
      ...tagRoutes(store),
      ...firewallRoutes(store),
      ...reservedIpRoutes(store),
      ...volumeRoutes(store),
      ...dropletRoutes(store),
    ],
  });
  return {
    url: service.url,
    token: tokens[0]!,
    calls: service.calls,
    list: () => ({
      droplets: [...store.droplets.values()],
      keys: [...store.keys.values()],
      tags: [...store.tags],
      firewalls: [...store.firewalls.values()].map(({ id, body }: Firewall) => ({ id, name: body.name })),
      volumes: [...store.volumes.values()].map(({ name }) => name),
      reservedIps: [...store.reservedIps.keys()],
    }),
    failNextCreate: (how) => void store.mishaps.push(how),
    close: () => service.close(),
  };
}

function unlimited(world: World): Record<string, string> {
  return {
    "ratelimit-limit": "5000",
    "ratelimit-remaining": "4999",
    "ratelimit-reset": String(Math.ceil(world.clock.now() / 1000) + 3600),
  };
}

function createStore(world: World, options: DigitalOceanCloudOptions): Store {
  const regions = options.regions ?? defaultRegions;
  const prefix = options.addressPrefix ?? "198.19";
  const host = (n: number) => `${Math.floor(n / 250)}.${(n % 250) + 2}`;
  let lastId = 400_000_000;
  let publicHosts = 0;
  let privateHosts = 0;
  const vpcs = regions.map(
    (region, index): Vpc => ({
      id: crypto.randomUUID(),
      name: `default-${region.slug}`,
      region: region.slug,
      ipRange: `10.${114 + index}.0.0/20`,
      isDefault: true,
    }),
  );
  const tags = new Set<string>();
  const store: Store = {
    world,
    mishaps: [],
    describe: (droplet) => dropletBody(store, droplet),
    reservedIpLimit: options.reservedIpLimit ?? 3,
    regions,
    tags,
    sizes: options.sizes ?? defaultSizes,
    images: (options.images ?? defaultImages).map((image, index) => ({ ...image, id: 150_000_001 + index })),
    dropletLimit: options.dropletLimit ?? 25,
    pageSize: options.pageSize ?? 20,
    lan: options.lan,
    droplets: new Map(),
    keys: new Map(),
    firewalls: new Map(),
    vpcs: new Map(vpcs.map((vpc) => [vpc.id, vpc])),
    actions: new Map(),
    reservedIps: new Map(),
    volumes: new Map(),
    nextId: () => ++lastId,
    nextPublicAddress: () => `${prefix}.${host(publicHosts++)}`,
    nextPrivateAddress: (vpc) => `${vpc.ipRange.split(".").slice(0, 2).join(".")}.${host(privateHosts++)}`,
    timestamp: () => new Date(world.clock.now()).toISOString().replace(/\.\d+Z$/, "Z"),
    addTags(names) {
      const added = [...new Set(names)].filter((name) => !tags.has(name));
      for (const name of added) tags.add(name);
      return added;
    },
  };
  return store;
}

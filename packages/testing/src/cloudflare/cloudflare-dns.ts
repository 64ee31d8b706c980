import { type Service, startService } from "../world/http-service.js";
import type { World } from "../world/world.js";
import { createAccess } from "./access.js";
import { errorBody } from "./envelope.js";
import { createRateLimit, type RateLimit } from "./rate-limit.js";
import { buildRecord, checkConflicts, type RecordInput } from "./record-rules.js";
import { recordRoutes } from "./records.js";
import { resolve } from "./resolve.js";
import {
  type ChangeListener,
  type DnsRecord,
  identifier,
  type Store,
  serviceName,
  type TokenOption,
  type Zone,
} from "./store.js";
import { zoneRoutes } from "./zones.js";

/** A record that was there before. */
export interface PreexistingRecord {
  /** Complete, relative to the zone, or `@`. */
  readonly name: string;
  readonly type: string;
  readonly content: string;
  /** Default 1 (automatic). */
  readonly ttl?: number;
  readonly proxied?: boolean;
  readonly comment?: string;
}

/** Settings of the emulated account. */
export interface CloudflareDnsOptions {
  /** Default: one with full rights, given as `token` of the result. */
  readonly tokens?: readonly TokenOption[];
  /** Names of the zones with the records they have. Default: `example.com` without any. */
  readonly zones?: Readonly<Record<string, readonly PreexistingRecord[]>>;
  /** Rate limit, counted in virtual time. Default: the real one; `false`, or a clock that makes everything happen at once, is without. */
  readonly rateLimit?: RateLimit | false;
}

/** A running emulated Cloudflare account. */
export interface CloudflareDns {
  /** To be used as the API's base URL: `http://127.0.0.1:<port>/client/v4`. */
  readonly url: string;
  /** The first token. */
  readonly token: string;
  readonly calls: Service["calls"];
  /** All records of all zones, to prove that nothing is left. */
  list(): readonly DnsRecord[];
  /** What public DNS would answer for a name: addresses, sorted. */
  resolve(name: string): readonly string[];
  /** Tells of each name whose records changed. Returns a function that stops it. */
  onChange(listener: ChangeListener): () => void;
  close(): Promise<void>;
}

/**
 * Starts an emulation of Cloudflare's API v4 (zones and DNS records) on loopback, strict where the service
 * is: token, rights, field names and values, conflicting records, pages, rate limit. A batch is one
 * transaction. Codes of errors are as seen in public issue threads, for the API's documents have none.
 */
export async function createCloudflare(
  world: World,
  options: CloudflareDnsOptions = {},
): Promise<CloudflareDns> {
  const tokens = options.tokens ?? [{ value: `sandbox_${identifier(crypto.randomUUID())}` }];
  const store = createStore(world, tokens, options.zones ?? { "example.com": [] });
  const access = createAccess(store);
  const limited = options.rateLimit !== false && (world.clock.scale > 0 || options.rateLimit !== undefined);
  const count = createRateLimit(world.clock, options.rateLimit || {});
  const service = await startService({
    name: serviceName,
    clock: world.clock,
    faults: world.faults,
    errorBody,
    latencyMs: () => world.timing.apiCallMs,
    before(request) {
      access.token(request);
      return { ...(limited ? count() : {}), "cf-ray": `${identifier(crypto.randomUUID()).slice(0, 16)}-FRA` };
    },
    routes: [...zoneRoutes(store, access), ...recordRoutes(store, access)],
  });
  return {
    url: `${service.url}/client/v4`,
    token: tokens[0]?.value ?? "",
    calls: service.calls,
    list: () => store.zones.flatMap((zone) => [...zone.records.values()]),
    resolve: (name) => resolve(store.zones, name),
    onChange(listener) {
      store.listeners.add(listener);
      return () => store.listeners.delete(listener);
    },
    close: () => service.close(),
  };
}

function createStore(
  world: World,
  tokens: readonly TokenOption[],
  zones: Readonly<Record<string, readonly PreexistingRecord[]>>,
): Store {
  let made = 0;
  const store: Store = {
    world,
    tokens,
    zones: Object.keys(zones).map(
      (name): Zone => ({
        id: identifier(`zone ${name}`),
        name,
        createdOn: "2026-01-01T00:00:00Z",
        records: new Map(),
      }),
    ),
    listeners: new Set(),
    nextId: () => identifier(`record ${++made}`),
    timestamp: () => new Date(world.clock.now()).toISOString(),
  };
  for (const zone of store.zones) {
    for (const given of zones[zone.name] ?? []) {
      const input: RecordInput = given;
      const record = buildRecord(store, zone, input, { id: store.nextId(), createdOn: store.timestamp() });
      checkConflicts(zone.records.values(), record, "create");
      zone.records.set(record.id, record);
    }
  }
  return store;
}

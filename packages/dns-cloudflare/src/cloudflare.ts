import {
  type CallContext,
  type DnsEntrypoint,
  delay,
  type EntrypointRecord,
  formatProblem,
  MulticloudError,
} from "@multicloud/core/plugin";
import type { Api } from "./api.js";
import { type Changes, changesTo, type DnsRecord, isEmpty } from "./changes.js";
import { checkEntrypoint, findZone, isAddress, obstacles, unknownZone } from "./check.js";
import { canonicalAddress, canonicalName, fullName, mark } from "./names.js";
import { readProgram } from "./program.js";

/** Settings of {@link cloudflare}. */
export interface CloudflareOptions {
  /** Name of the zone, for example `example.com`. */
  readonly zone: string;
  /** Name of the record within the zone, for example `*.apps`; `@` is the zone itself. A complete name is taken as it is. */
  readonly record: string;
  /** API token with Zone:Read and DNS:Edit. Default: the environment's `CLOUDFLARE_API_TOKEN`, read at the first call. */
  readonly token?: string;
  /** Seconds that resolvers may keep an answer: 60 to 86,400, or 1 for Cloudflare's choice (300). Default 60. Proxied records always have Cloudflare's. */
  readonly ttl?: number;
  /** Send visitors through Cloudflare's network. Default false. */
  readonly proxied?: boolean;
  /** Root of the API. Default: the environment's `CLOUDFLARE_BASE_URL`, else `https://api.cloudflare.com/client/v4`. */
  readonly baseURL?: string;
  /** Default: the global `fetch`. */
  readonly fetch?: typeof fetch;
}

/**
 * Keeps A and AAAA records of one name at the cluster's entry addresses. Its records carry the comment
 * `multicloud:<cluster>`; it never changes another. Every change is one transaction, so the name is never
 * without an answer.
 *
 * Errors: `AUTH_FAILED`, `FORBIDDEN`, `NOT_FOUND` (zone), `CONFLICT` (the name is somebody else's),
 * `CONFIG_INVALID` (no address, or one that is none), `RATE_LIMITED`, `REQUEST_REFUSED`, `SERVICE_FAILED`,
 * `SERVICE_UNREACHABLE`.
 */
export function cloudflare(options: CloudflareOptions): DnsEntrypoint {
  return {
    ...createEntrypoint(options, {}),
    inCluster: {
      program: readProgram,
      get settings() {
        const { zone, record, ttl = 60, proxied = false } = options;
        const baseURL = options.baseURL ?? process.env.CLOUDFLARE_BASE_URL?.trim();
        return { zone, record, ttl, proxied, ...(baseURL ? { baseURL } : {}) };
      },
      secrets: () => ({ token: readToken(options.token) }),
    },
  };
}

/** How the two halves differ. */
export interface EntrypointManners {
  /** Times that a call, and a write that met something unexpected, is made at most. Default 5 and 4. */
  readonly attempts?: number;
  /** Milliseconds of one attempt. Default 30,000. */
  readonly timeoutMs?: number;
  /** Asked before each call instead of {@link CloudflareOptions.token}. */
  token?(): Promise<string>;
  /** Ids of zones, kept between calls. Default: looked up by each. */
  readonly zoneIds?: Map<string, string>;
}

/** Both halves: the operator's and the agent's. */
export function createEntrypoint(options: CloudflareOptions, manners: EntrypointManners): DnsEntrypoint {
  const tries = manners.attempts ?? 4;
  const zone = canonicalName(options.zone);
  const record = fullName(options.zone, options.record);
  const ttl = options.ttl ?? 60;
  const proxied = options.proxied ?? false;

  async function open(context: CallContext): Promise<Api> {
    const token = manners.token ? await manners.token() : readToken(options.token);
    const { openApi } = await import("./api.js");
    return openApi(context, {
      token,
      baseURL:
        options.baseURL ??
        (process.env.CLOUDFLARE_BASE_URL?.trim() || "https://api.cloudflare.com/client/v4"),
      fetch: options.fetch ?? fetch,
      ...(manners.attempts === undefined ? {} : { attempts: manners.attempts }),
      ...(manners.timeoutMs === undefined ? {} : { timeoutMs: manners.timeoutMs }),
    });
  }

  /** The API with the zone's id. */
  async function connect(context: CallContext): Promise<{ api: Api; zoneId: string }> {
    const api = await open(context);
    const known = manners.zoneIds?.get(zone);
    if (known !== undefined) return { api, zoneId: known };
    const found = await findZone(api, zone);
    if (found) {
      manners.zoneIds?.set(zone, found.id);
      return { api, zoneId: found.id };
    }
    throw new MulticloudError(formatProblem(unknownZone(zone, await api.zones())).trim(), {
      code: "NOT_FOUND",
      service: "cloudflare",
    });
  }

  const isOurs = (context: CallContext) => (each: DnsRecord) =>
    isAddress(each) && each.comment === mark(context.cluster);

  /**
   * Reads, and writes what is to be changed, until nothing is. A write whose end is not known, or that met
   * records that were not as read, is settled by reading again.
   */
  async function converge(
    context: CallContext,
    changesFor: (records: readonly DnsRecord[]) => Changes,
  ): Promise<boolean> {
    const { api, zoneId } = await connect(context);
    for (let tried = 1, changed = false; ; tried++) {
      const changes = changesFor(await api.records(zoneId, record));
      if (isEmpty(changes)) return changed;
      const result = await api.write(zoneId, changes);
      if (result.outcome === "done") return true;
      if (tried >= tries) throw result.error;
      changed ||= result.outcome === "unknown";
      await delay(250 * tried, context.signal);
    }
  }

  return {
    specVersion: "v1",
    name: "cloudflare",
    record,
    check: (context) => checkEntrypoint(context, { zone, record, ttl, proxied }, () => open(context)),
    async get(context) {
      const { api, zoneId } = await connect(context);
      const ours = (await api.records(zoneId, record)).filter(isOurs(context));
      return ours.length === 0 ? undefined : describe(ours.map((each) => each.content));
    },
    async set(context, given) {
      const addresses = canonicalAddresses(given);
      const settings = { name: record, comment: mark(context.cluster), ttl, proxied };
      const changed = await converge(context, (records) => {
        const obstacle = obstacles(records, settings.comment);
        if (obstacle) {
          throw new MulticloudError(`${record} cannot be set: ${obstacle.message}`, {
            code: "CONFLICT",
            service: "cloudflare",
            hint: obstacle.hint,
          });
        }
        return changesTo(records.filter(isOurs(context)), addresses, settings);
      });
      return { record: describe(addresses), changed };
    },
    async remove(context) {
      await converge(context, (records) => ({
        deletes: records.filter(isOurs(context)).map(({ id }) => ({ id })),
        patches: [],
        posts: [],
      }));
    },
  };

  function describe(addresses: readonly string[]): EntrypointRecord {
    return { name: record, addresses: [...addresses].sort() };
  }

  function canonicalAddresses(given: readonly string[]): string[] {
    const wrong = given.find((address) => canonicalAddress(address) === undefined);
    if (given.length === 0 || wrong !== undefined) {
      const what = wrong === undefined ? "no address is given" : `${JSON.stringify(wrong)} is no IP address`;
      throw new MulticloudError(`${record} cannot be set: ${what}`, {
        code: "CONFIG_INVALID",
        service: "cloudflare",
      });
    }
    return [...new Set(given.map((address) => canonicalAddress(address) ?? address))];
  }
}

function readToken(given: string | undefined): string {
  const token = given?.trim() || process.env.CLOUDFLARE_API_TOKEN?.trim();
  if (token) return token;
  throw new MulticloudError("no Cloudflare token: CLOUDFLARE_API_TOKEN is not set", {
    code: "AUTH_FAILED",
    service: "cloudflare",
    hint: "set CLOUDFLARE_API_TOKEN or give cloudflare({ token }); it needs Zone:Read and DNS:Edit (https://dash.cloudflare.com/profile/api-tokens)",
  });
}

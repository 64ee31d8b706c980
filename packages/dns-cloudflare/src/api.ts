import { type CallContext, delay, MulticloudError } from "@multicloud/core/plugin";
import { BaseRecords } from "cloudflare/resources/dns/records";
import { BaseZones } from "cloudflare/resources/zones/zones";
import { createClient } from "cloudflare/tree-shakable";
import type { Changes, DnsRecord } from "./changes.js";
import { retryAfter, toMulticloudError, type Unsettled, unsettled } from "./errors.js";

const timeoutMs = 30_000;
const attempts = 5;
const longestWaitMs = 60_000;
// The API's largest page of zones; of records it takes far more, and a name has few.
const zonesPerPage = 50;
const recordsPerPage = 100;

/** A zone as far as it is read here. */
export interface Zone {
  readonly id: string;
  readonly name: string;
  readonly status: string | undefined;
  /** Rights of the token on this zone, when the API tells: deprecated there. */
  readonly permissions: readonly string[];
}

/** What is asked of Cloudflare. */
export interface Api {
  /** Zones that the token sees, of that name if one is given. */
  zones(name?: string): Promise<readonly Zone[]>;
  /** All records of a name, of whatever type. */
  records(zoneId: string, name: string): Promise<readonly DnsRecord[]>;
  /** Runs a transaction, once. */
  write(zoneId: string, changes: Changes): Promise<{ readonly outcome: "done" } | Unsettled>;
}

/** Settings of {@link openApi}. */
export interface ApiOptions {
  readonly token: string;
  readonly baseURL: string;
  readonly fetch: typeof fetch;
}

/**
 * The official client with our own bounds: its retries are off because they cover creations and sleep
 * through an abort, and its logger because a library does not print.
 */
export function openApi(context: CallContext, options: ApiOptions): Api {
  const client = createClient({
    resources: [BaseZones, BaseRecords],
    apiToken: options.token,
    // Otherwise the client takes these from the environment and sends them too.
    apiKey: null,
    apiEmail: null,
    userServiceKey: null,
    baseURL: options.baseURL,
    maxRetries: 0,
    timeout: timeoutMs,
    logLevel: "off",
    fetch: reporting(context, options.fetch),
  });
  const { origin } = new URL(options.baseURL);

  async function attempt<T>(doing: string, run: (bounds: { signal: AbortSignal }) => Promise<T>) {
    context.signal.throwIfAborted();
    const signal = AbortSignal.any([context.signal, AbortSignal.timeout(timeoutMs)]);
    try {
      return { value: await run({ signal }) };
    } catch (error) {
      if (context.signal.aborted) throw context.signal.reason;
      if (MulticloudError.isInstance(error)) throw error;
      return { raw: error, failure: toMulticloudError(error, doing, origin, options.token) };
    }
  }

  async function call<T>(
    doing: string,
    mayRepeat: (raw: unknown, failure: MulticloudError) => boolean,
    run: (bounds: { signal: AbortSignal }) => Promise<T>,
  ): Promise<{ readonly value: T } | { readonly raw: unknown; readonly failure: MulticloudError }> {
    for (let tried = 1; ; tried++) {
      const result = await attempt(doing, run);
      if ("value" in result) return result;
      const wait = waitBefore(result.raw, tried);
      if (tried >= attempts || wait > longestWaitMs || !mayRepeat(result.raw, result.failure)) return result;
      const { message } = result.failure;
      context.report({ type: "retry", service: "cloudflare", message, attempt: tried, delayMs: wait });
      await delay(wait, context.signal);
    }
  }

  async function read<T>(doing: string, run: (bounds: { signal: AbortSignal }) => Promise<T>): Promise<T> {
    const transient = (_: unknown, failure: MulticloudError) =>
      ["RATE_LIMITED", "SERVICE_FAILED", "SERVICE_UNREACHABLE"].includes(failure.code) ||
      failure.status === 408;
    const result = await call(doing, transient, run);
    if ("value" in result) return result.value;
    throw result.failure;
  }

  async function pages<T>(
    doing: string,
    load: (page: number, bounds: { signal: AbortSignal }) => Promise<Page<T>>,
  ) {
    const items: T[] = [];
    for (let page = 1; ; page++) {
      const { result, result_info } = await read(doing, (bounds) => load(page, bounds));
      if (!Array.isArray(result)) {
        throw new MulticloudError(`Cloudflare answered without a list while ${doing}`, {
          code: "SERVICE_ANSWER",
          service: "cloudflare",
        });
      }
      items.push(...result);
      if (result.length === 0 || page >= totalPages(result_info)) return items;
    }
  }

  return {
    async zones(name) {
      const filter = name === undefined ? {} : { name };
      const found = await pages(name ? `looking up the zone ${name}` : "listing the zones", (page, bounds) =>
        client.zones.list({ ...filter, page, per_page: zonesPerPage }, bounds),
      );
      return found.map((zone) => ({
        id: zone.id,
        name: zone.name,
        status: zone.status,
        permissions: zone.permissions ?? [],
      }));
    },
    async records(zoneId, name) {
      const found = await pages(`listing the records of ${name}`, (page, bounds) =>
        client.dns.records.list(
          { zone_id: zoneId, name: { exact: name }, page, per_page: recordsPerPage },
          bounds,
        ),
      );
      return found.map((record) => ({
        id: record.id,
        name: record.name,
        type: record.type,
        content: record.content ?? "",
        ttl: record.ttl,
        proxied: record.proxied ?? false,
        comment: record.comment ?? undefined,
      }));
    },
    async write(zoneId, changes) {
      const name = changes.posts[0]?.name ?? changes.patches[0]?.name;
      const doing = name === undefined ? "deleting records" : `changing the records of ${name}`;
      const result = await call(doing, notActedOn, (bounds) =>
        client.dns.records.batch(
          {
            zone_id: zoneId,
            ...(changes.deletes.length ? { deletes: [...changes.deletes] } : {}),
            ...(changes.patches.length ? { patches: [...changes.patches] } : {}),
            ...(changes.posts.length ? { posts: [...changes.posts] } : {}),
          },
          bounds,
        ),
      );
      if ("value" in result) return { outcome: "done" };
      return unsettled(result.raw, result.failure);
    },
  };
}

interface Page<T> {
  readonly result: readonly T[];
  /** The API sends `total_pages` too, but the package's type leaves it out. */
  readonly result_info?: object;
}

function totalPages(info: object | undefined): number {
  const total = (info as { readonly total_pages?: number } | undefined)?.total_pages;
  return typeof total === "number" ? total : 1;
}

/** Errors after which a change is known not to have happened. */
function notActedOn(raw: unknown, failure: MulticloudError): boolean {
  if (failure.code === "RATE_LIMITED") return true;
  for (let at = raw; at instanceof Error; at = at.cause) {
    const { code } = at as { code?: string };
    if (code === "ECONNREFUSED" || code === "ENOTFOUND" || code === "EAI_AGAIN") return true;
  }
  return false;
}

/** What `Retry-After` says, else exponential backoff with jitter, in milliseconds. */
function waitBefore(raw: unknown, tried: number): number {
  const asked = retryAfter((raw as { headers?: Headers } | undefined)?.headers);
  if (asked !== undefined) return asked;
  return Math.round(500 * 2 ** (tried - 1) * (0.25 + 0.75 * Math.random()));
}

function reporting(context: CallContext, send: typeof fetch): typeof fetch {
  return async (input, init) => {
    const { origin, pathname } = new URL(input instanceof Request ? input.url : input);
    const started = performance.now();
    const response = await send(input, init);
    context.report({
      type: "request",
      service: "cloudflare",
      method: init?.method?.toUpperCase() ?? "GET",
      url: `${origin}${pathname}`,
      status: response.status,
      durationMs: performance.now() - started,
    });
    return response;
  };
}

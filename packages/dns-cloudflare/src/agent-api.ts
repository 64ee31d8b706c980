import { MulticloudError, type OpenRecordContext } from "@multicloud/core/plugin";
import type { Api, Zone } from "./api.js";
import type { Changes, DnsRecord } from "./changes.js";
import { toMulticloudError, unsettled } from "./errors.js";

/** Answers of the API, https://developers.cloudflare.com/api/resources/dns/subresources/records. */
interface Envelope {
  readonly success?: boolean;
  readonly result?: unknown;
  readonly errors?: readonly unknown[];
}

/** A failure in the form of the official client's errors, which errors.ts reads. */
interface Failure {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly errors: readonly unknown[];
}

/**
 * The three calls that the in-cluster half makes, each tried once. The official client needs `fetch`, and
 * with it more memory than an agent may take (88 MiB at the highest instead of 60).
 */
export function openAgentApi(
  { send, report }: Pick<OpenRecordContext, "send" | "report">,
  {
    token,
    baseURL,
    signal,
  }: { readonly token: string; readonly baseURL: string; readonly signal: AbortSignal },
): Api {
  const { origin } = new URL(baseURL);

  async function call(doing: string, method: "GET" | "POST", path: string, body?: unknown): Promise<unknown> {
    const started = performance.now();
    let failure: unknown;
    try {
      const answer = await send({
        method,
        url: `${baseURL}${path}`,
        headers: {
          authorization: `Bearer ${token}`,
          accept: "application/json",
          "content-type": "application/json",
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal,
      });
      const url = `${origin}${new URL(baseURL + path).pathname}`;
      const { status, headers } = answer;
      const durationMs = performance.now() - started;
      report({ type: "request", service: "cloudflare", method, url, status, durationMs });
      const envelope = parse(answer.body);
      if (status < 300 && envelope?.success === true) return envelope.result;
      failure = {
        // A 200 without success, or without JSON, is a fault of the service.
        status: status < 300 ? 502 : status,
        headers: { get: (name) => headers[name] ?? null },
        errors: envelope?.errors ?? [],
      } satisfies Failure;
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      failure = error;
    }
    throw new CallFailed(failure, toMulticloudError(failure, doing, origin, token));
  }

  async function list<T>(doing: string, path: string): Promise<readonly T[]> {
    const result = await call(doing, "GET", path).catch(CallFailed.rethrow);
    if (Array.isArray(result)) return result as T[];
    throw new MulticloudError(`Cloudflare answered without a list while ${doing}`, {
      code: "SERVICE_ANSWER",
      service: "cloudflare",
    });
  }

  return {
    async zones(name) {
      // One page: a name has one zone, and without a name it is only for an error's hint.
      const filter = name === undefined ? "" : `&name=${encodeURIComponent(name)}`;
      const zones = await list<Zone>("looking up the zone", `/zones?per_page=50${filter}`);
      return zones.map(({ id, name, status }) => ({ id, name, status, permissions: [] }));
    },
    async records(zoneId, name) {
      const filter = `name.exact=${encodeURIComponent(name)}&per_page=100`;
      const found = await list<Omit<DnsRecord, "comment"> & { readonly comment?: string | null }>(
        `listing the records of ${name}`,
        `/zones/${zoneId}/dns_records?${filter}`,
      );
      return found.map(({ id, name, type, content, ttl, proxied, comment }) => {
        return {
          id,
          name,
          type,
          content: content ?? "",
          ttl,
          proxied: proxied ?? false,
          comment: comment ?? undefined,
        };
      });
    },
    async write(zoneId, { deletes, patches, posts }: Changes) {
      const name = posts[0]?.name ?? patches[0]?.name;
      const doing = name === undefined ? "deleting records" : `changing the records of ${name}`;
      const given = Object.entries({ deletes, patches, posts }).filter(
        ([, operations]) => operations.length > 0,
      );
      try {
        await call(doing, "POST", `/zones/${zoneId}/dns_records/batch`, Object.fromEntries(given));
        return { outcome: "done" };
      } catch (error) {
        if (error instanceof CallFailed) return unsettled(error.raw, error.failure);
        throw error;
      }
    },
  };
}

class CallFailed extends Error {
  constructor(
    readonly raw: unknown,
    readonly failure: MulticloudError,
  ) {
    super(failure.message);
  }

  static rethrow(this: void, error: unknown): never {
    throw error instanceof CallFailed ? error.failure : error;
  }
}

function parse(text: string): Envelope | undefined {
  try {
    return JSON.parse(text) as Envelope;
  } catch {
    return undefined;
  }
}

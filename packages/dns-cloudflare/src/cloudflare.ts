import { type DnsEntrypoint, MulticloudError } from "@multicloud/core/plugin";
import { createEntrypoint } from "./entrypoint.js";
import { defaultBaseURL } from "./names.js";
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
    ...createEntrypoint(options, {
      tries: 4,
      async open(context) {
        const token = readToken(options.token);
        const { openApi } = await import("./api.js");
        return openApi(context, {
          token,
          baseURL: options.baseURL ?? (process.env.CLOUDFLARE_BASE_URL?.trim() || defaultBaseURL),
          fetch: options.fetch ?? fetch,
        });
      },
    }),
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

function readToken(given: string | undefined): string {
  const token = given?.trim() || process.env.CLOUDFLARE_API_TOKEN?.trim();
  if (token) return token;
  throw new MulticloudError("no Cloudflare token: CLOUDFLARE_API_TOKEN is not set", {
    code: "AUTH_FAILED",
    service: "cloudflare",
    hint: "set CLOUDFLARE_API_TOKEN or give cloudflare({ token }); it needs Zone:Read and DNS:Edit (https://dash.cloudflare.com/profile/api-tokens)",
  });
}

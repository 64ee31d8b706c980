import {
  type CallContext,
  createHttp,
  type ErrorCode,
  type HttpRequest,
  MulticloudError,
} from "@multicloud/core/plugin";
import { createPacer } from "./pacer.js";
import type { WirePage } from "./wire.js";

const tokenVariables = ["DIGITALOCEAN_TOKEN", "DIGITALOCEAN_ACCESS_TOKEN"] as const;
const tokenPage = "https://cloud.digitalocean.com/account/api/tokens";
// Pages of the largest size the API takes: fewest requests.
const perPage = 200;
const keyList = "/v2/account/keys";
// A shorter wait is not worth a line.
const toldWaitMs = 5_000;

/** Settings of the client. */
export interface ClientOptions {
  readonly token?: string;
  readonly baseURL?: string;
  readonly fetch?: typeof fetch;
  readonly requestsPerMinute: number;
}

/** A context with the site that a call is for, when there is one. */
export type ClientContext = CallContext & { readonly site?: string };

/** DigitalOcean's API v2, as far as the provider needs it. */
export interface Client {
  /** The token; throws `AUTH_FAILED` when there is none. */
  token(): string;
  /** `undefined` when it does not exist. */
  find<T>(context: ClientContext, path: string): Promise<T | undefined>;
  get<T>(context: ClientContext, path: string, query?: HttpRequest["query"]): Promise<T>;
  /** All items of a collection, however many pages that takes. */
  all<T extends { readonly [key in K]: string | number }, K extends string>(
    context: ClientContext,
    path: string,
    key: string,
    id: K,
    query?: HttpRequest["query"],
  ): Promise<T[]>;
  /** Sent once: never repeated when it is not known whether it took effect. */
  post<T>(context: ClientContext, path: string, body: unknown): Promise<T>;
  put<T>(context: ClientContext, path: string, body: unknown): Promise<T>;
  /** One that is gone already is fine. */
  delete(context: ClientContext, path: string): Promise<void>;
}

export function createClient(options: ClientOptions): Client {
  const pacer = createPacer(options.requestsPerMinute);
  // The list of SSH keys has a limit of its own: ten a minute.
  const keyListPacer = createPacer(10, Date.now, 8);
  const http = createHttp({
    service: "digitalocean",
    baseURL: options.baseURL ?? (process.env.DIGITALOCEAN_API_URL?.trim() || "https://api.digitalocean.com"),
    headers: async () => ({ authorization: `Bearer ${token()}` }),
    secrets: () => [readToken()].filter((value) => value !== undefined),
    describeError: (status, body) =>
      describe(status, body, options.token?.trim() ? "the option token" : tokenVariables.join(" or ")),
    async fetch(input, init) {
      const response = await (options.fetch ?? fetch)(input, init);
      pacer.observe(response.status, response.headers);
      return response;
    },
  });

  function readToken(): string | undefined {
    const given = [options.token, ...tokenVariables.map((name) => process.env[name])];
    return given.map((value) => value?.trim()).find((value) => value);
  }

  function token(): string {
    const value = readToken();
    if (value) return value;
    throw new MulticloudError(`no DigitalOcean token: neither ${tokenVariables.join(" nor ")} is set`, {
      code: "AUTH_FAILED",
      service: "digitalocean",
      hint: `set ${tokenVariables[0]} (or ${tokenVariables[1]}), or give digitalocean({ token }); tokens are made at ${tokenPage}`,
    });
  }

  async function send<T>(context: ClientContext, request: Omit<HttpRequest, "signal">) {
    const tell = (what: string) => (ms: number) => {
      if (ms < toldWaitMs) return;
      const message = `waiting ${Math.ceil(ms / 1000)} s, so as not to run into DigitalOcean's limit of ${what}`;
      context.report({ type: "log", level: "info", message });
    };
    if (request.path === keyList && (request.method ?? "GET") === "GET")
      await keyListPacer.turn(context.signal, tell("lists of SSH keys"));
    await pacer.turn(context.signal, tell("requests"));
    return http.request<T>({
      ...request,
      signal: context.signal,
      report(report) {
        if (report.type === "retry") pacer.count();
        context.report(report);
      },
      ...(context.site === undefined ? {} : { site: context.site }),
    });
  }

  return {
    token,
    async find<T>(context: ClientContext, path: string) {
      const { status, data } = await send<T>(context, { path, accept: [404] });
      return status === 404 ? undefined : data;
    },
    get: async <T>(context: ClientContext, path: string, query?: HttpRequest["query"]) =>
      (await send<T>(context, { path, ...(query ? { query } : {}) })).data,
    async all<T extends { readonly [key in K]: string | number }, K extends string>(
      context: ClientContext,
      path: string,
      key: string,
      id: K,
      query?: HttpRequest["query"],
    ) {
      // Items move between pages when others are deleted meanwhile: by id, none is counted twice.
      const items = new Map<string | number, T>();
      for (let page = 1; ; page++) {
        const { data } = await send<WirePage & Record<string, readonly T[] | undefined>>(context, {
          path,
          query: { ...query, page, per_page: perPage },
        });
        const found = data?.[key];
        if (!Array.isArray(found)) {
          throw new MulticloudError(`digitalocean answered GET ${path} without ${key}`, {
            code: "SERVICE_ANSWER",
            service: "digitalocean",
            site: context.site,
          });
        }
        for (const item of found as readonly T[]) items.set(item[id], item);
        if (found.length === 0 || !data.links?.pages?.next) return [...items.values()];
      }
    },
    post: async <T>(context: ClientContext, path: string, body: unknown) =>
      (await send<T>(context, { method: "POST", path, body })).data,
    put: async <T>(context: ClientContext, path: string, body: unknown) =>
      (await send<T>(context, { method: "PUT", path, body })).data,
    async delete(context: ClientContext, path: string) {
      await send(context, { method: "DELETE", path, accept: [404] });
    },
  };
}

/** True for errors after which it is not known whether the request took effect. */
export function outcomeUnknown(error: unknown): boolean {
  return (
    MulticloudError.isInstance(error) &&
    ["SERVICE_UNREACHABLE", "SERVICE_FAILED", "TIMEOUT"].includes(error.code)
  );
}

function describe(status: number, body: unknown, tokenFrom: string) {
  // Most endpoints answer `{id, message}`, the tag endpoints `{error, messages, root_causes}`.
  const said = body as { readonly message?: unknown; readonly error?: unknown } | undefined;
  const message = [said?.message, said?.error].find((value) => typeof value === "string") as
    | string
    | undefined;
  const details: { code?: ErrorCode; message?: string; hint?: string } = {};
  if (message !== undefined) details.message = message;
  if (status === 401)
    details.hint = `the token is wrong, expired or revoked: check ${tokenFrom}; tokens are made at ${tokenPage}`;
  if (status === 403) {
    details.hint =
      "the token lacks a scope: it needs droplet, ssh_key, tag and firewall (create, read, update, delete), reserved_ip and block_storage where a pool asks for them (the same), and account, image, regions, sizes, vpc and actions (read)";
  }
  if (status === 422 && message && /reserved ip limit|floating ip limit/i.test(message)) {
    details.code = "QUOTA_EXCEEDED";
    details.hint = "delete reserved addresses that nobody uses, or ask DigitalOcean's support for more";
  }
  if (status === 422 && message && /droplet limit/i.test(message)) {
    details.code = "QUOTA_EXCEEDED";
    details.hint =
      "ask for a higher droplet limit at https://cloud.digitalocean.com/account/team/droplet_limit_increase";
  }
  return details;
}

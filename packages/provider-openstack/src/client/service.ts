import { createHttp, type Http, type HttpResponse, MulticloudError } from "@multicloud/core/plugin";
import type { OpenStackCall } from "./call.js";
import { findEndpoint, versionedUrl, versionRoot } from "./catalog.js";
import { describeError } from "./errors.js";
import { collectPages } from "./pages.js";
import type { Authorization, Session, SessionOptions } from "./session.js";
import { shareRun } from "./share.js";

/** What tells one service from another. */
export interface ServiceDefinition {
  /** Name for errors and reports: `nova`. */
  readonly name: string;
  /** Service types in the catalog, the official one first. */
  readonly types: readonly string[];
  /** Path of the API version: `v2.1`. */
  readonly version: string;
  /** The project's id follows the version when the catalog does not have it (Cinder). */
  readonly projectInPath?: boolean;
  /** The newest microversion that the client was written for, and the name that the header gives the service. */
  readonly microversion?: { readonly header: string; readonly newest: string };
  /** Bound of one attempt in milliseconds, default 30,000. */
  readonly timeoutMs?: number;
}

/** One request to a service. */
export interface ServiceRequest {
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Below the versioned URL of the service. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  /** Statuses besides 2xx that are an answer, not an error. */
  readonly accept?: readonly number[];
}

/** A service of the cloud with authentication, microversion and paging taken care of. */
export interface ServiceClient {
  request<T>(call: OpenStackCall, request: ServiceRequest): Promise<HttpResponse<T>>;
  /** All items of a collection, however many pages that takes. `key` is the collection's name in the answer. */
  collect<T>(
    call: OpenStackCall,
    key: string,
    path: string,
    query?: Readonly<Record<string, string | number | boolean | undefined>>,
  ): Promise<readonly T[]>;
  /** The microversion that calls are made with: the newest that both sides know; `undefined` when the service has none. */
  microversion(call: OpenStackCall): Promise<string | undefined>;
}

/** Makes the client of one service. Nothing is asked before the first call. */
export function createService(
  session: Session,
  options: SessionOptions,
  definition: ServiceDefinition,
): ServiceClient {
  let http: Http | undefined;
  let root = "";
  let negotiated: { readonly version: string | undefined } | undefined;

  async function connect(authorization: Authorization): Promise<Http> {
    if (http) return http;
    const [settings, send] = await Promise.all([session.settings(), session.transport()]);
    const override = definition.types.map((type) => settings.endpointOverrides[type]).find(Boolean);
    const url = override ?? findEndpoint(authorization.catalog, { ...settings, types: definition.types });
    const baseURL = versionedUrl(
      url,
      definition.version,
      definition.projectInPath ? authorization.projectId : "",
    );
    root = versionRoot(baseURL, definition.version);
    http = createHttp({
      service: definition.name,
      baseURL,
      requestIdHeaders: ["x-openstack-request-id", "x-compute-request-id"],
      secrets: session.secrets,
      describeError: describeError(settings.source),
      ...(definition.timeoutMs === undefined ? {} : { timeoutMs: definition.timeoutMs }),
      ...(send ? { fetch: send } : {}),
      ...(options.backoffMs === undefined ? {} : { backoffMs: options.backoffMs }),
    });
    return http;
  }

  /** Sends with the token in use; one that is refused is renewed, once. A 401 means that nothing was done, so anything may be sent again. */
  async function send<T>(
    call: OpenStackCall,
    request: ServiceRequest & { readonly headers: Readonly<Record<string, string>> },
  ): Promise<HttpResponse<T>> {
    const authorization = await session.authorize(call);
    const attempt = async ({ token }: Authorization) =>
      (await connect(authorization)).request<T>({
        ...call,
        ...request,
        headers: { ...request.headers, "x-auth-token": token },
      });
    try {
      return await attempt(authorization);
    } catch (error) {
      if (!MulticloudError.isInstance(error) || error.status !== 401) throw error;
      return attempt(await session.renew(call, authorization));
    }
  }

  const negotiate = shareRun(async (call: OpenStackCall): Promise<string | undefined> => {
    const { header, newest } = definition.microversion!;
    await connect(await session.authorize(call));
    const answer = await send<{ version?: { version?: string; min_version?: string } }>(call, {
      path: `${root}/`,
      headers: {},
      // Behind some proxies the version document is not served; then the oldest behaviour is what is left.
      accept: [300, 403, 404],
    });
    const offered = answer.data?.version?.version;
    const version = offered ? older(offered, newest) : undefined;
    negotiated = { version };
    call.report?.({
      type: "log",
      level: "debug",
      message: `${definition.name}: ${header} microversion ${version ?? "none"} (offered ${offered ?? "none"})`,
    });
    return version;
  });

  async function microversion(call: OpenStackCall): Promise<string | undefined> {
    if (!definition.microversion) return undefined;
    return negotiated ? negotiated.version : negotiate(call);
  }

  async function request<T>(call: OpenStackCall, request: ServiceRequest): Promise<HttpResponse<T>> {
    const version = await microversion(call);
    const headers: Record<string, string> = version
      ? { "openstack-api-version": `${definition.microversion!.header} ${version}` }
      : {};
    return send(call, { ...request, headers });
  }

  return {
    request,
    microversion,
    collect: (call, key, path, query) =>
      collectPages(definition.name, key, async (next) => {
        const answer = await request<Record<string, unknown>>(call, { path, query: { ...query, ...next } });
        return answer.data;
      }),
  };
}

/** The older of two microversions. */
function older(a: string, b: string): string {
  return atLeast(a, b) ? b : a;
}

/** Whether microversion `version` is `wanted` or newer; none is the oldest. */
export function atLeast(version: string | undefined, wanted: string): boolean {
  if (version === undefined) return false;
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = wanted.split(".").map(Number);
  return major === wantedMajor ? minor >= wantedMinor : major > wantedMajor;
}

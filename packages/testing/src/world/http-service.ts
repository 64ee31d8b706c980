import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Clock } from "./clock.js";
import type { Faults } from "./faults.js";

/** A request as a handler sees it. */
export interface ServiceRequest {
  readonly method: string;
  /** Path without query. */
  readonly path: string;
  /** Named parts of the route's path. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  /** Parsed JSON; `undefined` without a body. */
  readonly body: unknown;
  /** `http://127.0.0.1:<port>` of this service, for links. */
  readonly origin: string;
}

/** An answer. `body` is sent as JSON unless it is a string. */
export interface ServiceResponse {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

type Handler = (request: ServiceRequest) => ServiceResponse | Promise<ServiceResponse>;

/** One path of an emulated API. `:name` matches one segment. */
export interface Route {
  readonly method: string;
  readonly path: string;
  readonly handle: Handler;
}

/** Thrown by a handler to answer with an error. */
export class ServiceError extends Error {
  constructor(readonly response: ServiceResponse) {
    super(`emulated answer ${response.status}`);
  }
}

/** Settings of one emulated service. */
export interface ServiceOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly faults: Faults;
  readonly routes: readonly Route[];
  /** Virtual milliseconds that each call takes, by method and path; default 0. */
  latencyMs?(request: ServiceRequest): number;
  /** Runs before each handler: authentication, rate limits. Throws {@link ServiceError} to refuse. May return headers for the answer. */
  before?(request: ServiceRequest): Readonly<Record<string, string>> | undefined;
  /** The service's own body for an error status. */
  errorBody(status: number, message: string): unknown;
}

/** One call that was served. */
export interface ServedCall {
  readonly method: string;
  readonly path: string;
  readonly status: number;
}

/** A running emulated service. */
export interface Service {
  readonly url: string;
  /** Every call so far, in order. */
  readonly calls: readonly ServedCall[];
  close(): Promise<void>;
}

/** Starts an HTTP service on loopback with the sandbox's latency, faults and call log. */
export async function startService(options: ServiceOptions): Promise<Service> {
  const calls: ServedCall[] = [];
  const routes = options.routes.map((route) => ({ ...route, pattern: compile(route.path) }));
  let origin = "";

  async function answer(incoming: IncomingMessage): Promise<ServiceResponse | "reset"> {
    const url = new URL(incoming.url ?? "/", origin);
    const method = incoming.method ?? "GET";
    const fault = options.faults.take({ service: options.name, method, path: url.pathname });
    const text = await readBody(incoming);
    if (fault?.hang) await new Promise(() => {});
    if (fault?.reset === "before") return "reset";
    if (fault?.slowMs) await options.clock.sleep(fault.slowMs);
    if (fault?.status) {
      return {
        status: fault.status,
        body: fault.body ?? options.errorBody(fault.status, "injected fault"),
        ...(fault.headers ? { headers: fault.headers } : {}),
      };
    }
    const base = { method, path: url.pathname, query: url.searchParams, headers: incoming.headers, origin };
    let headers: Readonly<Record<string, string>> | undefined;
    try {
      const body = parseBody(text, options);
      const anywhere = { ...base, params: {}, body };
      await options.clock.sleep(options.latencyMs?.(anywhere) ?? 0);
      headers = options.before?.(anywhere);
      const found = match(routes, method, url.pathname);
      if (found === "method") return { status: 405, body: options.errorBody(405, "method not allowed") };
      if (!found) return { status: 404, body: options.errorBody(404, "not found") };
      const response = await found.handle({ ...base, params: found.params, body });
      if (fault?.reset === "after") return "reset";
      return { ...response, headers: { ...headers, ...response.headers } };
    } catch (error) {
      if (error instanceof ServiceError)
        return { ...error.response, headers: { ...headers, ...error.response.headers } };
      throw error;
    }
  }

  const server = createServer((incoming, outgoing) => {
    answer(incoming).then(
      (response) => {
        const path = new URL(incoming.url ?? "/", origin).pathname;
        if (response === "reset") return incoming.socket.destroy();
        calls.push({ method: incoming.method ?? "GET", path, status: response.status });
        send(outgoing, response);
      },
      (error) =>
        send(outgoing, {
          status: 500,
          body: options.errorBody(500, `defect in the emulator: ${error?.stack}`),
        }),
    );
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  server.unref();
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: origin,
    calls,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function compile(path: string): RegExp {
  const source = path.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replace(/:(\w+)/g, "(?<$1>[^/]+)");
  return new RegExp(`^${source}/?$`);
}

function match(
  routes: readonly (Route & { pattern: RegExp })[],
  method: string,
  path: string,
): { handle: Handler; params: Record<string, string> } | "method" | undefined {
  let otherMethod = false;
  for (const route of routes) {
    const found = route.pattern.exec(path);
    if (!found) continue;
    if (route.method !== method) {
      otherMethod = true;
      continue;
    }
    const params = Object.fromEntries(
      Object.entries(found.groups ?? {}).map(([name, value]) => [name, decodeURIComponent(value)]),
    );
    return { handle: route.handle, params };
  }
  return otherMethod ? "method" : undefined;
}

async function readBody(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

function parseBody(text: string, options: ServiceOptions): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new ServiceError({
      status: 400,
      body: options.errorBody(400, "the request body is not valid JSON"),
    });
  }
}

function send(outgoing: ServerResponse, response: ServiceResponse): void {
  const body =
    response.body === undefined
      ? ""
      : typeof response.body === "string"
        ? response.body
        : JSON.stringify(response.body);
  const type = typeof response.body === "string" ? "text/plain; charset=utf-8" : "application/json";
  outgoing.writeHead(response.status, {
    ...(body ? { "content-type": type } : {}),
    "content-length": Buffer.byteLength(body),
    ...response.headers,
  });
  outgoing.end(body);
}

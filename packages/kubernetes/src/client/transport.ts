import { setMaxListeners } from "node:events";
import type { IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { KubernetesError } from "../kubernetes-error.js";
import type { ConnectOptions, ObjectReference } from "../types.js";
import { createConnections } from "./connections.js";
import type { Endpoint } from "./credentials.js";
import { delay } from "./delay.js";
import { isTransient, refusal, unreachable } from "./refusal.js";
import { openWatch, type Watch, type WatchTarget } from "./watch.js";

/** One request. All that this client sends is idempotent, so each may be sent again. */
export interface Call {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Default `application/json`. */
  readonly contentType?: string;
  /** What was being done, for errors: `applying Deployment web/hello`. */
  readonly doing: string;
  readonly reference?: ObjectReference;
  readonly signal?: AbortSignal | undefined;
  /** Statuses besides 2xx that are an answer, not an error. They are not retried. */
  readonly accept?: readonly number[];
}

/** An answer with its body read. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly data: unknown;
}

/** HTTP to one API server: timeout, bounded retries with jitter, abort, errors for people. */
export interface Transport {
  request(call: Call): Promise<Answer>;
  /** Asks to be told of changes. Never rejects: a watch that cannot be opened has ended. */
  watch(target: WatchTarget): Watch;
  close(): void;
}

export function createTransport(endpoint: Endpoint, options: ConnectOptions): Transport {
  const timeoutMs = options.timeoutMs ?? 30_000;
  const attempts = options.attempts ?? 5;
  const backoffMs = options.backoffMs ?? 250;
  const connections = createConnections(endpoint, { dialer: options.dialer, timeoutMs });
  const closed = new AbortController();
  // Each open watch listens.
  setMaxListeners(0, closed.signal);

  async function send(call: Call, signal: AbortSignal): Promise<Answer> {
    const started = performance.now();
    const { headers: identity } = await endpoint.credentials();
    const body = call.body === undefined ? undefined : Buffer.from(JSON.stringify(call.body));
    const headers: Record<string, string | number> = { accept: "application/json", ...identity };
    if (body) {
      headers["content-type"] = call.contentType ?? "application/json";
      headers["content-length"] = body.length;
    }
    const path = `${endpoint.url.pathname.replace(/\/$/, "")}${call.path}${queryOf(call.query)}`;
    const { agent } = connections;
    const answer = await new Promise<Answer>((resolve, reject) => {
      const outgoing = httpsRequest(
        {
          agent,
          method: call.method,
          path,
          headers: { host: endpoint.url.host, ...headers },
          host: endpoint.url.hostname,
          port: endpoint.url.port || 443,
          signal,
        },
        (incoming) => {
          // Only a closed request has given its connection back: the next call is to find it free.
          const closed = new Promise<void>((done) => outgoing.once("close", done));
          Promise.all([read(incoming), closed]).then(
            ([text]) =>
              resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, data: parse(text) }),
            reject,
          );
        },
      );
      outgoing.once("error", (error) =>
        reject(outgoing.reusedSocket ? Object.assign(error, { reused: true }) : error),
      );
      outgoing.end(body);
    });
    options.onRequest?.({
      method: call.method,
      path: call.path,
      status: answer.status,
      durationMs: performance.now() - started,
    });
    return answer;
  }

  function watch({ path, query }: WatchTarget): Watch {
    const target = `${endpoint.url.pathname.replace(/\/$/, "")}${path}${queryOf({ ...query, watch: true })}`;
    return openWatch(async () => {
      const { headers } = await endpoint.credentials();
      return httpsRequest({
        agent: connections.agent,
        path: target,
        headers: { host: endpoint.url.host, accept: "application/json", ...headers },
        host: endpoint.url.hostname,
        port: endpoint.url.port || 443,
        signal: closed.signal,
      });
    });
  }

  async function request(call: Call): Promise<Answer> {
    for (let tried = 1; ; tried++) {
      call.signal?.throwIfAborted();
      const deadline = AbortSignal.timeout(timeoutMs);
      const bounds = [deadline, closed.signal, ...(call.signal ? [call.signal] : [])];
      let failure: KubernetesError;
      let wait: number | undefined;
      try {
        const answer = await send(call, AbortSignal.any(bounds));
        if (answer.status < 300 || call.accept?.includes(answer.status)) return answer;
        failure = refusal(call, answer);
        if (isTransient(failure)) wait = retryAfter(answer) ?? backoff(tried, backoffMs);
      } catch (error) {
        call.signal?.throwIfAborted();
        if (KubernetesError.isInstance(error)) throw error;
        failure = unreachable(call, endpoint.url, deadline.aborted ? deadline.reason : error, timeoutMs);
        if (closed.signal.aborted) throw failure;
        // A kept-alive connection that the server closed meanwhile says nothing about the server.
        const stale = (error as { reused?: boolean } | undefined)?.reused === true;
        if (failure.code === "SERVICE_UNREACHABLE") wait = stale ? 0 : backoff(tried, backoffMs);
      }
      if (wait === undefined || tried >= attempts) throw failure;
      await delay(wait, call.signal);
    }
  }

  return {
    request,
    watch,
    close() {
      closed.abort(new Error("the Kubernetes client was closed"));
      connections.close();
    },
  };
}

async function read(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

function parse(text: string): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function queryOf(values: Call["query"] = {}): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined) query.set(name, String(value));
  }
  return query.size === 0 ? "" : `?${query}`;
}

function retryAfter(answer: Answer): number | undefined {
  const seconds = Number(answer.headers["retry-after"]);
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, 30) * 1000 : undefined;
}

/** Full jitter over an exponential ceiling of at most ten seconds. */
function backoff(tried: number, baseMs: number): number {
  return Math.random() * Math.min(10_000, baseMs * 2 ** (tried - 1)) + baseMs / 2;
}

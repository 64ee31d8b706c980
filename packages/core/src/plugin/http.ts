import type { Report } from "../contracts/context.js";
import type { ErrorCode } from "../errors/codes.js";
import { MulticloudError } from "../errors/multicloud-error.js";
import { delay } from "./delay.js";
import { redact } from "./redact.js";
import { readRetryAfter, retryDelay } from "./retry.js";

/** Settings of one service's client. */
export interface HttpOptions {
  /** Name for errors and reports, for example `nova`. */
  readonly service: string;
  readonly baseURL: string;
  /** Sent with each request; a function is asked each time (for tokens that are renewed). */
  readonly headers?:
    | Readonly<Record<string, string>>
    | ((signal: AbortSignal) => Promise<Readonly<Record<string, string>>>);
  /** Default: the global `fetch`. */
  readonly fetch?: typeof fetch;
  /** Bound of one attempt in milliseconds, default 30,000. */
  readonly timeoutMs?: number;
  /** Tries of one request including the first, default 5. */
  readonly attempts?: number;
  /** Base of the exponential backoff in milliseconds, default 500. */
  readonly backoffMs?: number;
  /** Longest wait before a retry in milliseconds, also for `Retry-After`; default 60,000. A longer `Retry-After` ends in `RATE_LIMITED`. */
  readonly maxDelayMs?: number;
  /**
   * Waits until one more attempt may be sent, retries too; its time does not count towards `timeoutMs`. What it
   * resolves with is called when the attempt is over. Default: no limit.
   */
  readonly pace?: (signal: AbortSignal) => Promise<() => void>;
  /** Values that must never show up in an error. */
  readonly secrets?: () => readonly string[];
  /** Names of the response headers that carry the service's request id, tried in order. Default `x-request-id`. */
  readonly requestIdHeaders?: readonly string[];
  /** Takes code, message and hint out of an error body of this service. */
  describeError?(
    status: number,
    body: unknown,
  ): { readonly code?: ErrorCode; readonly message?: string; readonly hint?: string } | undefined;
}

/** One request. */
export interface HttpRequest {
  readonly method?: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Appended to `baseURL`; an absolute URL is taken as it is (for `next` links) and must have the same origin. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Where requests and retries are reported. */
  report?(report: Report): void;
  /** Statuses besides 2xx that are an answer, not an error. */
  readonly accept?: readonly number[];
  /** May be sent again when it is not known whether the first one took effect. Default: true for all methods but POST and PATCH. */
  readonly idempotent?: boolean;
  readonly site?: string;
  readonly node?: string;
}

/** An answer with its body read. `data` is parsed JSON, the text when it is none, `undefined` when empty. */
export interface HttpResponse<T> {
  readonly status: number;
  readonly headers: Headers;
  readonly data: T;
}

/** A client of one service. */
export interface Http {
  request<T = unknown>(request: HttpRequest): Promise<HttpResponse<T>>;
}

/**
 * `fetch` with what every cloud call needs: a timeout per attempt, bounded retries with jitter that honour
 * `Retry-After`, abort, reports, and errors that say what was asked and answered with secrets cut. A
 * request that creates something is sent again only when the service is known not to have acted on it
 * (429, 503 with `Retry-After`, connection refused).
 */
export function createHttp(options: HttpOptions): Http {
  const attempts = options.attempts ?? 5;
  const maxDelayMs = options.maxDelayMs ?? 60_000;
  const hide = (text: string) => redact(text, options.secrets?.() ?? []);

  async function attempt(request: HttpRequest, url: URL): Promise<{ response: Response; text: string }> {
    const signal = AbortSignal.any([request.signal, AbortSignal.timeout(options.timeoutMs ?? 30_000)]);
    const common = typeof options.headers === "function" ? await options.headers(signal) : options.headers;
    const headers: Record<string, string> = { accept: "application/json", ...common, ...request.headers };
    const init: RequestInit = { method: request.method ?? "GET", headers, signal, redirect: "error" };
    if (request.body !== undefined) {
      headers["content-type"] ??= "application/json";
      init.body = JSON.stringify(request.body);
    }
    const started = performance.now();
    const response = await (options.fetch ?? fetch)(url, init);
    const text = await response.text();
    request.report?.({
      type: "request",
      service: options.service,
      method: init.method!,
      url: `${url.origin}${url.pathname}`,
      status: response.status,
      durationMs: performance.now() - started,
    });
    return { response, text };
  }

  async function request<T>(request: HttpRequest): Promise<HttpResponse<T>> {
    const url = resolve(options.baseURL, request);
    const method = request.method ?? "GET";
    const idempotent = request.idempotent ?? (method !== "POST" && method !== "PATCH");
    for (let tried = 1; ; tried++) {
      let wait: number | undefined;
      let failure: MulticloudError;
      try {
        request.signal.throwIfAborted();
        const over = await options.pace?.(request.signal);
        const { response, text } = await attempt(request, url).finally(over);
        if (response.ok || request.accept?.includes(response.status)) {
          return { status: response.status, headers: response.headers, data: parse(text) as T };
        }
        failure = refused(request, method, url, response, text);
        wait = delayAfter(response, idempotent, tried);
      } catch (error) {
        if (request.signal.aborted) throw request.signal.reason;
        if (MulticloudError.isInstance(error)) throw error;
        failure = unreachable(request, method, url, error);
        wait = idempotent || neverSent(error) ? retryDelay(tried, options.backoffMs) : undefined;
      }
      if (wait === undefined || wait > maxDelayMs || tried >= attempts) throw failure;
      request.report?.({
        type: "retry",
        service: options.service,
        message: failure.message,
        attempt: tried,
        delayMs: wait,
      });
      await delay(wait, request.signal);
    }
  }

  function delayAfter(response: Response, idempotent: boolean, tried: number): number | undefined {
    const after = readRetryAfter(response.headers, Date.now());
    if (response.status === 429) return after ?? retryDelay(tried, options.backoffMs);
    if (response.status === 503 && after !== undefined) return after;
    if (idempotent && [408, 500, 502, 503, 504].includes(response.status))
      return retryDelay(tried, options.backoffMs);
    return undefined;
  }

  function refused(
    request: HttpRequest,
    method: string,
    url: URL,
    response: Response,
    text: string,
  ): MulticloudError {
    const described = options.describeError?.(response.status, parse(text));
    const said = described?.message ?? text.replace(/\s+/g, " ").slice(0, 300);
    const message = `${options.service} answered ${response.status} to ${method} ${url.pathname}${said ? `: ${said}` : ""}`;
    return new MulticloudError(hide(message), {
      code: described?.code ?? codeOf(response.status),
      service: options.service,
      status: response.status,
      requestId:
        (options.requestIdHeaders ?? ["x-request-id"])
          .map((name) => response.headers.get(name))
          .find(Boolean) ?? undefined,
      site: request.site,
      node: request.node,
      hint: described?.hint,
    });
  }

  function unreachable(request: HttpRequest, method: string, url: URL, error: unknown): MulticloudError {
    const reason =
      error instanceof Error ? [error.message, causeOf(error)].filter(Boolean).join(": ") : String(error);
    return new MulticloudError(
      hide(`no answer from ${options.service} to ${method} ${url.origin}${url.pathname}: ${reason}`),
      {
        code: "SERVICE_UNREACHABLE",
        service: options.service,
        site: request.site,
        node: request.node,
        hint: `check that ${url.origin} can be reached from here`,
        cause: error,
      },
    );
  }

  return { request };
}

/** The code for a status that a service's own error body says nothing better about. */
function codeOf(status: number): ErrorCode {
  if (status === 401) return "AUTH_FAILED";
  if (status === 403) return "FORBIDDEN";
  if (status === 404) return "NOT_FOUND";
  if (status === 409) return "CONFLICT";
  if (status === 429) return "RATE_LIMITED";
  return status >= 500 ? "SERVICE_FAILED" : "REQUEST_REFUSED";
}

function resolve(baseURL: string, request: HttpRequest): URL {
  const base = new URL(baseURL);
  const absolute = /^https?:\/\//.test(request.path);
  const url = absolute
    ? new URL(request.path)
    : new URL(`${base.pathname.replace(/\/$/, "")}/${request.path.replace(/^\//, "")}`, base);
  // A link from a response body must not be able to send our token elsewhere.
  if (url.origin !== base.origin) {
    throw new MulticloudError(`refused to follow a link to ${url.origin} from ${base.origin}`, {
      code: "SERVICE_ANSWER",
    });
  }
  for (const [name, value] of Object.entries(request.query ?? {})) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  return url;
}

function parse(text: string): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function causeOf(error: Error): string | undefined {
  return error.cause instanceof Error ? error.cause.message : undefined;
}

/** Errors that mean the request cannot have reached the service. */
function neverSent(error: unknown): boolean {
  const code = (error as { cause?: { code?: string } } | undefined)?.cause?.code;
  return code === "ECONNREFUSED" || code === "ENOTFOUND" || code === "EAI_AGAIN" || code === "EHOSTUNREACH";
}

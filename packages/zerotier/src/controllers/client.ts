import {
  type CallContext,
  createHttp,
  type HttpRequest,
  type HttpResponse,
  MulticloudError,
} from "@multicloud/core/plugin";
import { createPace } from "../pace.js";

/** Where a controller is and how to get in. */
export interface ClientOptions {
  readonly baseURL: () => string;
  /** @throws MulticloudError `AUTH_FAILED` when there is none. */
  readonly token: () => string;
  readonly fetch: typeof fetch | undefined;
  readonly requestsPerSecond: number;
  /** Header that carries the token. */
  header(token: string): Readonly<Record<string, string>>;
  readonly tokenHint: string;
  /** Message in the error body, if this service has one. */
  describe?(body: unknown): string | undefined;
}

/** Sends one request to the controller. */
export type Send = <T>(
  call: CallContext,
  request: Omit<HttpRequest, "signal" | "report">,
) => Promise<HttpResponse<T>>;

/** Service name in errors and reports. */
export const service = "zerotier";

/** A paced client. Base URL and token are read at the first request. */
export function createClient(options: ClientOptions): Send {
  const pace = createPace(options.requestsPerSecond);
  const make = () =>
    createHttp({
      service,
      baseURL: options.baseURL(),
      headers: options.header(options.token()),
      secrets: () => [options.token()],
      pace,
      ...(options.fetch ? { fetch: options.fetch } : {}),
      describeError(status, body) {
        const message = options.describe?.(body);
        return {
          ...(message ? { message } : {}),
          ...(status === 401 || status === 403 ? { hint: options.tokenHint } : {}),
        };
      },
    });
  let http: ReturnType<typeof make> | undefined;
  return async <T>(call: CallContext, request: Omit<HttpRequest, "signal" | "report">) => {
    http ??= make();
    // A signal of its own: a hundred listeners on the run's would make Node.js warn of a leak.
    const signal = AbortSignal.any([call.signal]);
    return http.request<T>({ ...request, signal, report: (report) => call.report(report) });
  };
}

/** The error for an answer that is not what the API promises. */
export function unexpected(what: string): MulticloudError {
  return new MulticloudError(`the answer of the ZeroTier controller has no ${what}`, {
    code: "SERVICE_ANSWER",
    service,
    hint: "check that baseURL and controller belong together",
  });
}

import { ServiceError, type ServiceResponse } from "../world/http-service.js";

/** One entry of `errors`. */
export interface CloudflareError {
  readonly code: number;
  readonly message: string;
  /** Older services tell the reason in here. */
  readonly error_chain?: readonly { readonly code: number; readonly message: string }[];
}

/** A good answer in Cloudflare's envelope. */
export function answer(result: unknown, info?: Readonly<Record<string, number>>): ServiceResponse {
  const page = info ? { result_info: info } : {};
  return { status: 200, body: { success: true, errors: [], messages: [], result, ...page } };
}

/** The envelope of a failure. */
function failure(errors: readonly CloudflareError[]): unknown {
  return { success: false, errors, messages: [], result: null };
}

/** An error to throw from a route. */
export function refuse(
  status: number,
  code: number,
  message: string,
  chain?: { readonly code: number; readonly message: string },
  headers?: Readonly<Record<string, string>>,
): ServiceError {
  const error = { code, message, ...(chain ? { error_chain: [chain] } : {}) };
  return new ServiceError({ status, body: failure([error]), ...(headers ? { headers } : {}) });
}

/** How the service says that a record is wrong. */
export function invalid(code: number, message: string): ServiceError {
  return refuse(400, 1004, "DNS Validation Error", { code, message });
}

const codes: Readonly<Record<number, number>> = { 404: 7003, 405: 10405, 429: 971 };

/** The body of errors that no route made. */
export function errorBody(status: number, message: string): unknown {
  return failure([{ code: codes[status] ?? 10000 + status, message }]);
}

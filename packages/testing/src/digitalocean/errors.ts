import { ServiceError } from "../world/http-service.js";

const ids: Readonly<Record<number, string>> = {
  400: "bad_request",
  401: "unauthorized",
  402: "payment_required",
  403: "forbidden",
  404: "not_found",
  405: "method_not_allowed",
  409: "conflict",
  422: "unprocessable_entity",
  429: "too_many_requests",
};

/** DigitalOcean's error body: `{id, message, request_id}`. */
export function errorBody(status: number, message: string): unknown {
  return { id: ids[status] ?? "server_error", message, request_id: crypto.randomUUID() };
}

/** An error to throw from a route. */
export function refuse(
  status: number,
  message: string,
  headers?: Readonly<Record<string, string>>,
): ServiceError {
  return new ServiceError({ status, body: errorBody(status, message), ...(headers ? { headers } : {}) });
}

/** The service's answer to an id that does not exist. */
export function notFound(): ServiceError {
  return refuse(404, "The resource you were accessing could not be found.");
}

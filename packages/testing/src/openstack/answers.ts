import { randomUUID } from "node:crypto";
import { ServiceError, type ServiceResponse } from "../world/http-service.js";

/** Nova's and Cinder's names for the statuses of their error bodies. */
const faultNames: Readonly<Record<number, string>> = {
  400: "badRequest",
  401: "unauthorized",
  403: "forbidden",
  404: "itemNotFound",
  405: "badMethod",
  409: "conflictingRequest",
  413: "overLimit",
  501: "notImplemented",
  503: "serviceUnavailable",
};

/** `{"badRequest": {"code": 400, "message": …}}` */
export function faultBody(status: number, message: string): unknown {
  return { [faultNames[status] ?? "computeFault"]: { code: status, message } };
}

/** `{"NeutronError": {"type": …, "message": …, "detail": ""}}` */
export function neutronBody(type: string, message: string): unknown {
  return { NeutronError: { type, message, detail: "" } };
}

/** `{"error": {"code": 401, "title": …, "message": …}}`, Keystone's own form and its middleware's. */
export function keystoneBody(status: number, message: string): unknown {
  const titles: Readonly<Record<number, string>> = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
  };
  return { error: { code: status, message, title: titles[status] ?? "Internal Server Error" } };
}

/** Glance answers with a web page. */
export function htmlBody(status: number, title: string, message: string): string {
  return `<html>\n <head>\n  <title>${status} ${title}</title>\n </head>\n <body>\n  <h1>${status} ${title}</h1>\n  ${message}<br /><br />\n\n\n\n </body>\n</html>`;
}

/** Refuses a call with a body. */
export function refusal(
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): ServiceError {
  return new ServiceError({ status, body, headers });
}

/** Refuses a call of Nova or Cinder. */
export function fault(status: number, message: string): ServiceError {
  return refusal(status, faultBody(status, message));
}

/** Refuses a call of Neutron. */
export function neutronFault(status: number, type: string, message: string): ServiceError {
  return refusal(status, neutronBody(type, message));
}

/** The header that each service puts on each answer. */
export function requestId(): Readonly<Record<string, string>> {
  return { "x-openstack-request-id": `req-${randomUUID()}` };
}

/** An answer without a body. */
export function empty(status: number): ServiceResponse {
  return { status };
}

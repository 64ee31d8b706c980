import type { ServiceError } from "../world/http-service.js";
import { toNumber, toRange } from "./addresses.js";

/** Looks at one value; the text says what it must be. */
export type Check = (value: unknown) => string | undefined;

/** What may be in a request body. `ignored` fields are the service's own: they may be sent back and change nothing. */
export type Fields = Readonly<Record<string, Check | "ignored">>;

export const isText: Check = (value) => (typeof value === "string" ? undefined : "a string");
export const isBoolean: Check = (value) => (typeof value === "boolean" ? undefined : "a boolean");
export const isInteger: Check = (value) => (Number.isInteger(value) ? undefined : "an integer");
export const isList: Check = (value) => (Array.isArray(value) ? undefined : "an array");
export const isObject: Check = (value) =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? undefined : "an object";

/** A list whose entries all pass. */
export function listOf(check: Check): Check {
  return (value) => {
    if (!Array.isArray(value)) return "an array";
    const wrong = value.map(check).find(Boolean);
    return wrong && `an array with each entry ${wrong}`;
  };
}

export const isAddress: Check = (value) =>
  typeof value === "string" && (toNumber(value) !== undefined || value.includes(":"))
    ? undefined
    : "an IP address";

export const isRoute: Check = (value) => {
  const { target, via } = (value ?? {}) as { target?: unknown; via?: unknown };
  const network = typeof target === "string" && (toRange(target) || target.includes(":"));
  return network && (via === undefined || via === null || isAddress(via) === undefined)
    ? undefined
    : "a route { target: CIDR, via: address or null }";
};

export const isPool: Check = (value) => {
  const { ipRangeStart, ipRangeEnd } = (value ?? {}) as { ipRangeStart?: unknown; ipRangeEnd?: unknown };
  return isAddress(ipRangeStart) === undefined && isAddress(ipRangeEnd) === undefined
    ? undefined
    : "a range { ipRangeStart, ipRangeEnd }";
};

/**
 * Takes the fields that may be set out of a body. Null counts as not given. Stricter than the service, which
 * ignores fields that it does not know: a client's typing error must not go unnoticed here.
 */
export function read(
  body: unknown,
  fields: Fields,
  where: string,
  refuse: (message: string) => ServiceError,
): Record<string, unknown> {
  if (body === undefined || isObject(body)) throw refuse(`${where || "the body"} must be an object`);
  const result: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(body as object)) {
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (!field) throw refuse(`unknown field ${where}${name}`);
    if (field === "ignored" || value === null) continue;
    const wanted = field(value);
    if (wanted) throw refuse(`${where}${name} must be ${wanted}`);
    result[name] = value;
  }
  return result;
}

/** The MTU as a controller takes it: what is out of bounds becomes the bound. */
export function boundMtu(mtu: number): number {
  return Math.max(1280, Math.min(10_000, mtu));
}

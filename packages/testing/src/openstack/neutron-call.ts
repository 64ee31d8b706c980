import type { Route, ServiceRequest, ServiceResponse } from "../world/http-service.js";
import { neutronFault } from "./answers.js";
import { type Caller, demandCaller } from "./identity.js";
import { PagingError, pageOf } from "./paging.js";
import type { CloudState } from "./state.js";

/** A call of Neutron as its handlers see it. */
export interface NeutronCall extends ServiceRequest {
  readonly caller: Caller;
}

/** What all of Neutron's routes need. */
export interface NeutronSetting {
  readonly state: CloudState;
  /** Path of the versioned API. */
  readonly path: string;
  authUrl(): string;
}

/** A route of Neutron, authenticated. */
export function neutronRoute(
  setting: NeutronSetting,
  method: string,
  path: string,
  handle: (call: NeutronCall) => ServiceResponse | Promise<ServiceResponse>,
): Route {
  return {
    method,
    path: `${setting.path}${path}`,
    handle: (request) =>
      handle({ ...request, caller: demandCaller(setting.state, request, setting.authUrl()) }),
  };
}

type View = Readonly<Record<string, unknown>>;

/**
 * A collection: filtered by the equality of any field, a page of it, and its links. A filter on a field that
 * there is not is refused (extension `filter-validation`).
 */
export function neutronCollection(
  setting: NeutronSetting,
  call: NeutronCall,
  key: string,
  path: string,
  all: readonly View[],
  fields: readonly string[],
): ServiceResponse {
  const special = ["limit", "marker", "page_reverse", "sort_key", "sort_dir", "fields"];
  const filters = [...new Set(call.query.keys())].filter((name) => !special.includes(name));
  const unknown = filters.filter((name) => !fields.includes(name));
  if (unknown.length > 0) {
    throw neutronFault(
      400,
      "HTTPBadRequest",
      `[${unknown.map((name) => `'${name}'`).join(", ")}] is invalid attribute for filtering`,
    );
  }
  const matching = all.filter((view) =>
    filters.every((name) => call.query.getAll(name).includes(String(view[name]))),
  );
  try {
    const page = pageOf(call, matching, (view) => String(view.id), setting.state.pageSize);
    const url = `${call.origin}${setting.path}${path}`;
    const links = [
      ...(page.next ? [{ rel: "next", href: `${url}?${page.next}` }] : []),
      ...(page.marker === undefined ? [] : [{ rel: "previous", href: `${url}?page_reverse=True` }]),
    ];
    return {
      status: 200,
      body: { [key]: page.items, ...(links.length > 0 ? { [`${key}_links`]: links } : {}) },
    };
  } catch (error) {
    if (!(error instanceof PagingError)) throw error;
    throw neutronFault(400, "BadRequest", `Bad request: ${error.message} could not be found.`);
  }
}

/** The members of a body's resource, when all of them are known and the required ones are there. */
export function neutronBodyOf(
  given: unknown,
  key: string,
  known: readonly string[],
  required: readonly string[] = [],
): Readonly<Record<string, unknown>> {
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw neutronFault(400, "HTTPBadRequest", `Unable to find '${key}' in request body`);
  }
  const unknown = Object.keys(given).filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw neutronFault(400, "HTTPBadRequest", `Unrecognized attribute(s) '${unknown.join(", ")}'`);
  }
  const missing = required.filter((name) => !(name in given));
  if (missing.length > 0) {
    throw neutronFault(
      400,
      "HTTPBadRequest",
      `Failed to parse request. Required attribute '${missing[0]}' not specified`,
    );
  }
  return given as Readonly<Record<string, unknown>>;
}

/** Refuses a value as Neutron's attribute conversion does. */
export function invalidInput(name: string, reason: string): Error {
  return neutronFault(400, "HTTPBadRequest", `Invalid input for ${name}. Reason: ${reason}.`);
}

export function judgeNeutronQuota(used: number, more: number, quota: number, resource: string): void {
  if (quota >= 0 && used + more > quota) {
    throw neutronFault(409, "OverQuota", `Quota exceeded for resources: ['${resource}'].`);
  }
}

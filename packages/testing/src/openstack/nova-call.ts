import type { Route, ServiceRequest, ServiceResponse } from "../world/http-service.js";
import { fault } from "./answers.js";
import { type Field, FieldError } from "./fields.js";
import { type Caller, demandCaller } from "./identity.js";
import { microversionOf } from "./microversion.js";
import { type Page, PagingError, pageOf } from "./paging.js";
import type { CloudState } from "./state.js";

/** A call of Nova as its handlers see it. */
export interface NovaCall extends ServiceRequest {
  readonly caller: Caller;
  readonly version: string;
  /** Versioned URL of the service, for links. */
  readonly base: string;
}

/** What all of Nova's routes need. */
export interface NovaSetting {
  readonly state: CloudState;
  /** Path of the versioned API, with `:project` when the catalog's URLs have the project in them. */
  readonly path: string;
  authUrl(): string;
}

/** A route of Nova: authenticated, with its microversion judged and named in the answer. */
export function novaRoute(
  setting: NovaSetting,
  method: string,
  path: string,
  handle: (call: NovaCall) => ServiceResponse | Promise<ServiceResponse>,
): Route {
  return {
    method,
    path: `${setting.path}${path}`,
    async handle(request) {
      const caller = demandCaller(setting.state, request, setting.authUrl());
      const { project } = request.params;
      if (project !== undefined && project !== caller.project.id) {
        throw fault(
          400,
          `Malformed request URL: URL's project_id '${project}' doesn't match Context's project_id '${caller.project.id}'`,
        );
      }
      const version = microversionOf(request, setting.state.microversion);
      const base = `${request.origin}${setting.path.replace(":project", caller.project.id)}`;
      const answer = await handle({ ...request, caller, version, base });
      return {
        ...answer,
        headers: {
          "openstack-api-version": `compute ${version}`,
          "x-openstack-nova-api-version": version,
          vary: "OpenStack-API-Version, X-OpenStack-Nova-API-Version",
          ...answer.headers,
        },
      };
    },
  };
}

/** Judges a body as Nova's schemas do: 400 with the field. */
export function judgeBody(body: unknown, field: Field): void {
  try {
    field(body, undefined);
  } catch (error) {
    if (error instanceof FieldError) throw fault(400, error.sentence());
    throw error;
  }
}

/** A page of a collection, and its `<key>_links` when there is a next one. */
export function novaPage<T>(
  call: NovaCall,
  state: CloudState,
  key: string,
  path: string,
  all: readonly T[],
  idOf: (item: T) => string,
  isAfter?: (item: T, marker: string) => boolean,
): { readonly items: readonly T[]; readonly links: Readonly<Record<string, unknown>> } {
  const page = judged(() => pageOf(call, all, idOf, state.pageSize, state.pageSize, isAfter));
  if (!page.next) return { items: page.items, links: {} };
  return {
    items: page.items,
    links: { [`${key}_links`]: [{ rel: "next", href: `${call.base}${path}?${page.next}` }] },
  };
}

function judged<T>(run: () => Page<T>): Page<T> {
  try {
    return run();
  } catch (error) {
    if (error instanceof PagingError) throw fault(400, `${error.message} not found`);
    throw error;
  }
}

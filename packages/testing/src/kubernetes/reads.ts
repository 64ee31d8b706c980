import type { ApiObject } from "./api-object.js";
import { badRequest, expired, notFound } from "./api-status.js";
import type { ObjectStore } from "./object-store.js";
import type { ApiRequest, Target } from "./request.js";
import { apiVersionOf } from "./resource-type.js";
import { fieldSelector, labelSelector } from "./selectors.js";
import type { ApiAnswer } from "./writes.js";

export function read(store: ObjectStore, target: Target): ApiAnswer {
  const object = store.get(target.type, target.namespace, target.name!);
  if (!object) throw notFound(target.type, target.name!);
  return { status: 200, body: object };
}

/** A list, with `limit` and `continue` as Kubernetes pages: the rest is of the same revision. */
export function list(store: ObjectStore, request: ApiRequest, target: Target): ApiAnswer {
  const { type, namespace } = target;
  const wanted = request.query.get("limit") ?? "0";
  if (!/^-?\d+$/.test(wanted))
    throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(wanted)}: invalid syntax`);
  const limit = Number(wanted);
  const token = readToken(request.query.get("continue"));
  const all = store.list(type, namespace).filter(selectorOf(request));
  const rest = token ? all.filter((object) => keyOf(object) > token.after) : all;
  const page = limit > 0 ? rest.slice(0, limit) : rest;
  const revision = token?.revision ?? store.revision;
  if (token && !store.since(token.revision))
    throw expired("The provided continue parameter is too old to display a consistent list result.");
  const last = page.at(-1);
  const more = page.length < rest.length && last;
  return {
    status: 200,
    body: {
      kind: `${type.kind}List`,
      apiVersion: apiVersionOf(type),
      metadata: {
        resourceVersion: String(revision),
        ...(more
          ? {
              continue: writeToken({ after: keyOf(last), revision }),
              remainingItemCount: rest.length - page.length,
            }
          : {}),
      },
      // As the real server: items of built-in kinds do not repeat what the list says of all.
      items: page.map(({ apiVersion, kind, ...object }) =>
        type.custom ? { apiVersion, kind, ...object } : object,
      ),
    },
  };
}

/** Which objects a list or watch is about. */
export function selectorOf(request: ApiRequest): (object: ApiObject) => boolean {
  const byLabel = labelSelector(request.query.get("labelSelector"));
  const byField = fieldSelector(request.query.get("fieldSelector"));
  return (object) => byLabel(object) && byField(object);
}

interface PageToken {
  readonly after: string;
  readonly revision: number;
}

function keyOf(object: ApiObject): string {
  return `${object.metadata.namespace ?? ""}/${object.metadata.name}`;
}

function writeToken(token: PageToken): string {
  return Buffer.from(JSON.stringify(token)).toString("base64url");
}

function readToken(text: string | null): PageToken | undefined {
  if (!text) return undefined;
  try {
    return JSON.parse(Buffer.from(text, "base64url").toString("utf8")) as PageToken;
  } catch {
    throw badRequest(`invalid continue token: continue key is not valid: ${text}`);
  }
}

import type { Clock } from "../world/clock.js";
import { methodNotAllowed, noSuchResource } from "./api-status.js";
import { authorize } from "./authorization.js";
import { deleteObject } from "./deletion.js";
import { discover } from "./discovery.js";
import { evict } from "./eviction.js";
import { list, read, selectorOf } from "./reads.js";
import { type ApiRequest, parseTarget, type Target } from "./request.js";
import { startWatch } from "./watch.js";
import { type ApiAnswer, create, destroy, patch, replace, type WriteParts } from "./writes.js";

/** What the API server needs to answer. */
export interface HandlerParts extends WriteParts {
  readonly clock: Clock;
  /** Version of the API server, for example `v1.32.13`. */
  version(): string;
}

/** An answer that goes on. `start` gives a function that ends it. */
export interface StreamAnswer {
  start(write: (line: string) => void, end: () => void): () => void;
}

/** Answers one request; throws {@link ApiError} for what is refused. */
export async function handle(
  parts: HandlerParts,
  request: ApiRequest,
  accept: string,
): Promise<ApiAnswer | StreamAnswer> {
  const target = parseTarget(parts.store, request.path);
  authorize(parts.store, request, target);
  if (!target) {
    const found = discover(request, accept, parts.store.types(), parts.version());
    if (found) return found;
    const [, root, group] = request.path.split("/");
    const isServed =
      root === "api" || (root === "apis" && parts.store.types().some((type) => type.group === group));
    // Outside of the groups that it serves it is a web server like any other.
    if (!isServed) return { status: 404, body: "404 page not found\n" };
    throw noSuchResource();
  }
  if (request.method === "GET") {
    if (["true", "1"].includes(request.query.get("watch") ?? ""))
      return { start: (write, end) => startWatch(parts, request, target, write, end) };
    return target.name === undefined ? list(parts.store, request, target) : read(parts.store, target);
  }
  return write(parts, request, target);
}

function write(parts: HandlerParts, request: ApiRequest, target: Target): Promise<ApiAnswer> {
  if (target.subresource === "eviction" && request.method === "POST") return evict(parts, request, target);
  if (target.type.namespaced && target.namespace === undefined) throw methodNotAllowed();
  if (target.name === undefined) {
    if (request.method === "POST") return create(parts, request, target);
    if (request.method === "DELETE") return destroyAll(parts, request, target);
    throw methodNotAllowed();
  }
  if (request.method === "PUT") return replace(parts, request, target);
  if (request.method === "PATCH") return patch(parts, request, target);
  if (request.method === "DELETE" && target.subresource === undefined) return destroy(parts, request, target);
  throw methodNotAllowed();
}

async function destroyAll(parts: HandlerParts, request: ApiRequest, target: Target): Promise<ApiAnswer> {
  const chosen = parts.store.list(target.type, target.namespace).filter(selectorOf(request));
  for (const object of chosen) {
    deleteObject(parts.store, object, parts.now());
    const { name, namespace } = object.metadata;
    await parts.effects.record({
      service: "kubernetes",
      kind: "object",
      action: "delete",
      name: `${object.kind} ${namespace === undefined ? name : `${namespace}/${name}`}`,
    });
  }
  return list(parts.store, request, target);
}

import type { Clock } from "../world/clock.js";
import type { ApiObject } from "./api-object.js";
import { type ApiError, expired } from "./api-status.js";
import type { ObjectStore, StoreEvent } from "./object-store.js";
import { selectorOf } from "./reads.js";
import type { ApiRequest, Target } from "./request.js";
import { apiVersionOf } from "./resource-type.js";

/** A running watch: lines go to `write`. Returns a function that ends it. */
export function startWatch(
  parts: { readonly store: ObjectStore; readonly clock: Clock },
  request: ApiRequest,
  target: Target,
  write: (line: string) => void,
  end: () => void,
): () => void {
  const { store, clock } = parts;
  const { type, namespace, name } = target;
  const resource = `${type.group}/${type.plural}`;
  const selected = selectorOf(request);
  const fits = (object: ApiObject) =>
    (namespace === undefined || object.metadata.namespace === namespace) &&
    (name === undefined || object.metadata.name === name) &&
    selected(object);
  const send = (kind: string, object: unknown) => write(`${JSON.stringify({ type: kind, object })}\n`);
  const sendEvent = (event: StoreEvent) => {
    if (event.resource !== resource) return;
    const is = fits(event.object);
    const was = event.before ? fits(event.before) : is;
    const object = { ...event.object, apiVersion: apiVersionOf(type) };
    if (event.type !== "MODIFIED") {
      if (is) send(event.type, object);
    } else if (is) send(was ? "MODIFIED" : "ADDED", object);
    // To a watcher with a selector, an object that no longer fits is gone.
    else if (was) send("DELETED", object);
  };

  const from = request.query.get("resourceVersion");
  const past = from && from !== "0" ? store.since(Number(from)) : undefined;
  if (from && from !== "0" && !past) {
    const gone: ApiError = expired(`too old resource version: ${from} (${store.revision})`);
    send("ERROR", gone.body());
    end();
    return () => {};
  }
  if (past) for (const event of past) sendEvent(event);
  else for (const object of store.list(type, namespace).filter(fits)) send("ADDED", object);

  const stopListening = store.listen(sendEvent);
  const seconds = Number(request.query.get("timeoutSeconds") ?? 1_800);
  // Where everything happens at once, every watch would be over at once.
  const cancelTimeout =
    clock.scale === 0
      ? () => {}
      : clock.after(seconds * 1_000, () => {
          stopListening();
          end();
        });
  return () => {
    stopListening();
    cancelTimeout();
  };
}

import { type ApiObject, timestamp } from "./api-object.js";
import type { ObjectStore } from "./object-store.js";

/** How owned objects are treated. */
export type Propagation = "Background" | "Foreground" | "Orphan";

/**
 * Deletes an object as the API server and the garbage collector do together: one with finalizers is only
 * marked, a pod ends gracefully, and what an object owned goes after it.
 */
export function deleteObject(
  store: ObjectStore,
  object: ApiObject,
  now: number,
  propagation: Propagation = "Background",
): void {
  const graceful = object.kind === "Pod" && object.apiVersion === "v1" && object.spec?.nodeName !== undefined;
  const held = graceful || object.kind === "Namespace" || (object.metadata.finalizers ?? []).length > 0;
  if (held) {
    store.modify(object, (draft) => {
      draft.metadata.deletionTimestamp ??= timestamp(now);
      if (!graceful && draft.kind !== "Namespace") draft.metadata.deletionGracePeriodSeconds ??= 0;
      if (draft.kind === "Namespace") draft.status = { ...draft.status, phase: "Terminating" };
    });
    return;
  }
  remove(store, object, now, propagation);
}

/** Takes an object out for good, with what it owned. */
export function remove(
  store: ObjectStore,
  object: ApiObject,
  now: number,
  propagation: Propagation = "Background",
): void {
  store.remove(object);
  for (const dependent of dependents(store, object)) {
    if (propagation !== "Orphan") deleteObject(store, dependent, now);
    else
      store.modify(dependent, (draft) => {
        draft.metadata.ownerReferences = (draft.metadata.ownerReferences ?? []).filter(
          (owner) => owner.uid !== object.metadata.uid,
        );
      });
  }
}

function dependents(store: ObjectStore, owner: ApiObject): ApiObject[] {
  return store
    .types()
    .filter((type) => type.namespaced || !owner.metadata.namespace)
    .flatMap((type) => store.list(type))
    .filter((object) => object.metadata.ownerReferences?.some(({ uid }) => uid === owner.metadata.uid));
}

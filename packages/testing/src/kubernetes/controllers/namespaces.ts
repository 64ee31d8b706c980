import { deleteObject } from "../deletion.js";
import type { ControllerParts } from "./controller-manager.js";

/** A new namespace gets its `default` service account; one that is being deleted is emptied first. */
export function reconcileNamespaces(parts: ControllerParts): void {
  const { store, timing } = parts;
  for (const namespace of store.all("v1", "Namespace")) {
    const { name, uid, deletionTimestamp } = namespace.metadata;
    if (deletionTimestamp === undefined) {
      if (!store.find("v1", "ServiceAccount", name, "default"))
        store.create({
          apiVersion: "v1",
          kind: "ServiceAccount",
          metadata: { name: "default", namespace: name },
        });
      continue;
    }
    const content = store
      .types()
      .filter((type) => type.namespaced)
      .flatMap((type) => store.list(type, name));
    for (const object of content) {
      if (object.metadata.deletionTimestamp === undefined) deleteObject(store, object, parts.now());
    }
    if (content.length === 0) parts.later(`ns:${uid}`, timing.rolloutMs / 20, () => store.remove(namespace));
  }
}

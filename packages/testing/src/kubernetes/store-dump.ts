import type { ApiObject } from "./api-object.js";
import type { ObjectStore } from "./object-store.js";
import { apiVersionOf, type ResourceType } from "./resource-type.js";

interface StoreDump {
  /** Kinds that CustomResourceDefinitions brought. */
  readonly types: readonly ResourceType[];
  readonly objects: readonly ApiObject[];
}

/** All objects of a store as text. */
export function dumpStore(store: ObjectStore): string {
  const dump: StoreDump = {
    types: store.types().filter((type) => type.custom),
    objects: objectsOf(store),
  };
  return JSON.stringify(dump);
}

/** Makes a store hold exactly what a dump has. Objects that differ are made anew, with other ids. */
export function loadStore(store: ObjectStore, text: string): void {
  const { types, objects } = JSON.parse(text) as StoreDump;
  const wanted = new Set(objects.map(keyOf));
  for (const object of objectsOf(store)) if (!wanted.has(keyOf(object))) store.remove(object);
  for (const type of types) store.addType(type);
  for (const object of objects) {
    const { apiVersion, kind, metadata } = object;
    if (store.find(apiVersion, kind, metadata.namespace, metadata.name)) store.update(object);
    else store.create(object);
  }
}

function objectsOf(store: ObjectStore): ApiObject[] {
  const found = new Map<string, ApiObject>();
  for (const type of store.types())
    for (const object of store.list(type)) {
      // A kind with several versions is listed with each.
      const key = `${type.group}/${type.plural}/${object.metadata.namespace}/${object.metadata.name}`;
      if (!found.has(key)) found.set(key, { ...object, apiVersion: apiVersionOf(type) });
    }
  return [...found.values()];
}

function keyOf({ apiVersion, kind, metadata }: ApiObject): string {
  return `${apiVersion} ${kind} ${metadata.namespace ?? ""}/${metadata.name}`;
}

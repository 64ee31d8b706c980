import { randomUUID } from "node:crypto";
import { type ApiObject, sameValue, timestamp } from "./api-object.js";
import { builtinTypes } from "./builtin-types.js";
import { apiVersionOf, type ResourceType } from "./resource-type.js";

/** One change, for watches. */
export interface StoreEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly resourceVersion: number;
  /** Plural and group. */
  readonly resource: string;
  readonly object: ApiObject;
  /** As it was before, for a MODIFIED. */
  readonly before?: ApiObject;
}

/**
 * The content of the emulated etcd. What is stored is frozen, and `update` puts a new object in its place:
 * so readers share it, and only `get` and the draft of `modify` are copies.
 */
export interface ObjectStore {
  readonly revision: number;
  types(): readonly ResourceType[];
  type(apiVersion: string, kind: string): ResourceType | undefined;
  addType(type: ResourceType): void;
  removeTypes(group: string, plural: string): void;
  get(type: ResourceType, namespace: string | undefined, name: string): ApiObject | undefined;
  /** Sorted by namespace and name, as etcd would give them. */
  list(type: ResourceType, namespace?: string): ApiObject[];
  /** Short for `list` with a kind that every cluster has. */
  all(apiVersion: string, kind: string, namespace?: string): ApiObject[];
  find(apiVersion: string, kind: string, namespace: string | undefined, name: string): ApiObject | undefined;
  create(object: ApiObject): ApiObject;
  /** The object as `create` would store it, but for its resourceVersion. */
  stamp(object: ApiObject): ApiObject;
  /** Stores it when it differs from what is there; gives what is stored then. */
  update(object: ApiObject): { readonly object: ApiObject; readonly changed: boolean };
  /** Changes an object that exists; gives whether it changed. */
  modify(object: ApiObject, change: (draft: ApiObject) => void): boolean;
  remove(object: ApiObject): void;
  /** Events after a revision; `undefined` when they are no longer kept. */
  since(revision: number): readonly StoreEvent[] | undefined;
  /** Called after each change; returns a function that stops it. */
  listen(listener: (event: StoreEvent) => void): () => void;
}

const keptEvents = 10_000;

/** @param now virtual time in milliseconds, for creation timestamps */
export function createObjectStore(now: () => number): ObjectStore {
  const tables = new Map<string, Map<string, ApiObject>>();
  const listeners = new Set<(event: StoreEvent) => void>();
  let types: ResourceType[] = [...builtinTypes];
  let events: StoreEvent[] = [];
  let revision = 1;

  const resourceOf = (type: Pick<ResourceType, "group" | "plural">) => `${type.group}/${type.plural}`;
  const keyOf = (namespace: string | undefined, name: string) => `${namespace ?? ""}/${name}`;
  const typeOf = (apiVersion: string, kind: string) =>
    types.find((type) => type.kind === kind && apiVersionOf(type) === apiVersion);

  function table(type: ResourceType): Map<string, ApiObject> {
    const key = resourceOf(type);
    const found = tables.get(key);
    if (found) return found;
    const made = new Map<string, ApiObject>();
    tables.set(key, made);
    return made;
  }

  function require(object: ApiObject): ResourceType {
    const type = typeOf(object.apiVersion, object.kind);
    if (!type) throw new Error(`the emulator has no kind ${object.kind} in ${object.apiVersion}`);
    return type;
  }

  function emit(event: Omit<StoreEvent, "resourceVersion">): void {
    const full = { ...event, resourceVersion: revision };
    events.push(full);
    if (events.length > keptEvents) events = events.slice(-keptEvents / 2);
    for (const listener of [...listeners]) listener(full);
  }

  const store: ObjectStore = {
    get revision() {
      return revision;
    },
    types: () => types,
    type: typeOf,
    addType(type) {
      types = [...types.filter((other) => !sameType(other, type)), type];
    },
    removeTypes(group, plural) {
      types = types.filter((type) => type.group !== group || type.plural !== plural);
      tables.delete(resourceOf({ group, plural }));
    },
    get(type, namespace, name) {
      const object = table(type).get(keyOf(type.namespaced ? namespace : undefined, name));
      return object && structuredClone(inVersion(object, type));
    },
    list(type, namespace) {
      return [...table(type).entries()]
        .filter(([, object]) => namespace === undefined || object.metadata.namespace === namespace)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([, object]) => inVersion(object, type));
    },
    all(apiVersion, kind, namespace) {
      const type = typeOf(apiVersion, kind);
      return type ? store.list(type, namespace) : [];
    },
    find(apiVersion, kind, namespace, name) {
      const type = typeOf(apiVersion, kind);
      const object = type && table(type).get(keyOf(type.namespaced ? namespace : undefined, name));
      return object && inVersion(object, type);
    },
    create(object) {
      const type = require(object);
      revision += 1;
      const stored = store.stamp(object);
      stored.metadata.resourceVersion = String(revision);
      table(type).set(keyOf(stored.metadata.namespace, stored.metadata.name), freeze(stored));
      emit({ type: "ADDED", resource: resourceOf(type), object: stored });
      return stored;
    },
    stamp(object) {
      const type = require(object);
      const stamped = structuredClone(object);
      stamped.metadata = {
        ...stamped.metadata,
        uid: randomUUID(),
        ...(type.custom || !withoutGeneration.has(type.kind) ? { generation: 1 } : {}),
        creationTimestamp: timestamp(now()),
      };
      delete stamped.metadata.resourceVersion;
      if (!type.namespaced) delete stamped.metadata.namespace;
      return stamped;
    },
    update(object) {
      const type = require(object);
      const key = keyOf(type.namespaced ? object.metadata.namespace : undefined, object.metadata.name);
      const before = table(type).get(key);
      if (!before) throw new Error(`the emulator cannot update ${object.kind} ${key}, it does not exist`);
      const stored = structuredClone(object);
      const { uid, resourceVersion, generation, creationTimestamp } = before.metadata;
      stored.metadata = {
        ...stored.metadata,
        uid,
        resourceVersion,
        ...(generation === undefined ? {} : { generation }),
        creationTimestamp,
      } as ApiObject["metadata"];
      if (sameValue(stored, { ...before, apiVersion: stored.apiVersion }))
        return { object: stored, changed: false };
      revision += 1;
      stored.metadata.resourceVersion = String(revision);
      if (generation !== undefined && !sameValue(desired(before), desired(stored)))
        stored.metadata.generation = generation + 1;
      table(type).set(key, freeze(stored));
      emit({ type: "MODIFIED", resource: resourceOf(type), object: stored, before });
      return { object: stored, changed: true };
    },
    modify(object, change) {
      const current = store.find(
        object.apiVersion,
        object.kind,
        object.metadata.namespace,
        object.metadata.name,
      );
      if (!current || current.metadata.uid !== object.metadata.uid) return false;
      const draft = structuredClone(current);
      change(draft);
      return store.update(draft).changed;
    },
    remove(object) {
      const type = require(object);
      const key = keyOf(type.namespaced ? object.metadata.namespace : undefined, object.metadata.name);
      const before = table(type).get(key);
      if (!before) return;
      table(type).delete(key);
      revision += 1;
      const gone = structuredClone(before);
      gone.metadata.resourceVersion = String(revision);
      emit({ type: "DELETED", resource: resourceOf(type), object: gone });
    },
    since(from) {
      const first = events[0];
      if (from < revision && first && from < first.resourceVersion - 1) return undefined;
      return events.filter((event) => event.resourceVersion > from);
    },
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  return store;
}

/** One table serves all versions of a kind. */
function inVersion(object: ApiObject, type: ResourceType): ApiObject {
  const apiVersion = apiVersionOf(type);
  return object.apiVersion === apiVersion ? object : { ...object, apiVersion };
}

function freeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const member of Object.values(value)) freeze(member);
  return value;
}

function sameType(a: ResourceType, b: ResourceType): boolean {
  return a.group === b.group && a.version === b.version && a.plural === b.plural;
}

/** Kinds whose objects have no `metadata.generation` (compared with v1.36). */
const withoutGeneration = new Set([
  ...["APIService", "ClusterRole", "ClusterRoleBinding", "ConfigMap", "ControllerRevision", "CSINode"],
  ...["Endpoints", "EndpointSlice", "Event", "Lease", "LimitRange", "Namespace", "Node", "PersistentVolume"],
  ...["PersistentVolumeClaim", "ResourceQuota", "Role", "RoleBinding", "Secret", "Service"],
  ...["ServiceAccount", "StorageClass", "VolumeAttachment"],
]);

/** What the user wants of an object: a change of it makes a new generation. */
function desired(object: ApiObject): Record<string, unknown> {
  const { apiVersion: _, kind: _kind, metadata: _metadata, status: _status, ...rest } = object;
  return rest;
}

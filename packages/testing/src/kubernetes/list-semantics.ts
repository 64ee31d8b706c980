import { type Fields, isFields } from "./api-object.js";
import type { ResourceType } from "./resource-type.js";

// How Kubernetes merges lists and maps: OpenAPI's x-kubernetes-list-type, -list-map-keys and -map-type of
// the built-in kinds, by the name of the field. A list that is not here is atomic: it has one owner.
const mergeKeys: Readonly<Record<string, readonly string[]>> = {
  containers: ["name"],
  initContainers: ["name"],
  ephemeralContainers: ["name"],
  volumes: ["name"],
  env: ["name"],
  imagePullSecrets: ["name"],
  secrets: ["name"],
  volumeMounts: ["mountPath"],
  volumeDevices: ["devicePath"],
  hostAliases: ["ip"],
  topologySpreadConstraints: ["topologyKey", "whenUnsatisfiable"],
  webhooks: ["name"],
  ownerReferences: ["uid"],
  conditions: ["type"],
  addresses: ["type"],
};
const sets = new Set(["finalizers"]);
const atomicMaps = new Set(["selector", "labelSelector", "podSelector", "namespaceSelector", "nodeSelector"]);

/** How a list is merged. */
export type ListKind = { readonly keys: readonly string[] } | "set" | "atomic";

/** @param path names of the members on the way, list items left out */
export function listKind(type: ResourceType, path: readonly string[], items: readonly unknown[]): ListKind {
  const name = path.at(-1) ?? "";
  if (sets.has(name)) return "set";
  if (name === "ports" && path[0] === "spec") {
    // Ports of containers and of Services have other keys; a NetworkPolicy's are atomic.
    if (type.kind === "Service") return { keys: ["port", "protocol"] };
    return path.includes("containers") || path.includes("initContainers")
      ? { keys: ["containerPort", "protocol"] }
      : "atomic";
  }
  const isMetadata = path[0] === "metadata";
  // Lists of custom resources are atomic unless their schema says otherwise, which ours do not.
  const keys = type.custom && !isMetadata ? undefined : mergeKeys[name];
  return keys && items.every(isFields) ? { keys } : "atomic";
}

export function isAtomicMap(type: ResourceType, path: readonly string[]): boolean {
  if (type.custom) return false;
  const name = path.at(-1) ?? "";
  return (atomicMaps.has(name) && path[0] === "spec") || (name === "roleRef" && path.length === 1);
}

/** The key of an item, with the default that the API gives to a protocol. */
export function itemKey(item: unknown, keys: readonly string[]): Fields {
  const record = isFields(item) ? item : {};
  return Object.fromEntries(keys.map((key) => [key, record[key] ?? (key === "protocol" ? "TCP" : null)]));
}

import { isDeepStrictEqual } from "node:util";
import type { KubernetesObject } from "../types.js";

/**
 * Whether an apply made a difference. The same resourceVersion says no at once; another one alone says
 * nothing, because controllers write the status of an object all the time.
 */
export function differs(
  before: KubernetesObject | undefined,
  after: KubernetesObject,
  fieldManager: string,
): boolean {
  if (!before) return true;
  if (before.metadata.resourceVersion === after.metadata.resourceVersion) return false;
  return !isDeepStrictEqual(desired(before, fieldManager), desired(after, fieldManager));
}

/** What is wanted of an object, and which of it we own. */
function desired(object: KubernetesObject, fieldManager: string): unknown {
  const { status: _, metadata, ...rest } = object;
  const { resourceVersion: _version, managedFields, generation: _generation, ...identity } = metadata;
  const entries = Array.isArray(managedFields) ? managedFields : [];
  const own = entries
    .filter((entry) => entry?.manager === fieldManager && entry.operation === "Apply" && !entry.subresource)
    .map((entry) => entry.fieldsV1);
  return { ...rest, metadata: identity, own };
}

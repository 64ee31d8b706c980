import type { Schema } from "./schema.js";

/** One kind of object and where it is served. */
export interface ResourceType {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly namespaced: boolean;
  /** Has a `/status` subresource, and `status` is ignored everywhere else. */
  readonly status: boolean;
  /** Further subresources, for example `eviction`. */
  readonly subresources: readonly string[];
  readonly schema?: Schema;
  /** Defined by a CustomResourceDefinition. */
  readonly custom: boolean;
  /** Which state of which definition brought it. */
  readonly origin?: string;
}

/** `apps/v1`, or `v1` in the core group. */
export function apiVersionOf(type: ResourceType): string {
  return type.group ? `${type.group}/${type.version}` : type.version;
}

/** `deployments.apps`, or `pods` in the core group: how messages name a resource. */
export function resourceName(type: ResourceType): string {
  return type.group ? `${type.plural}.${type.group}` : type.plural;
}

/** `Deployment.apps`, or `Pod` in the core group: how validation messages name a kind. */
export function kindName(type: Pick<ResourceType, "group" | "kind">): string {
  return type.group ? `${type.kind}.${type.group}` : type.kind;
}

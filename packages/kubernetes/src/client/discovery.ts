import { KubernetesError } from "../kubernetes-error.js";
import type { ObjectReference } from "../types.js";
import type { Transport } from "./transport.js";

/** Where objects of one kind live. */
export interface Resource {
  readonly apiVersion: string;
  readonly kind: string;
  /** Plural, as it stands in paths. */
  readonly name: string;
  readonly namespaced: boolean;
}

/** The kinds that the API server knows; asked once per group and version, and again when a kind is unknown. */
export interface Discovery {
  /** `undefined` when the API server does not know the kind. */
  find(
    kind: { readonly apiVersion: string; readonly kind: string },
    signal: AbortSignal | undefined,
  ): Promise<Resource | undefined>;
  /** Rejects with `NOT_FOUND` when the API server does not know the kind. */
  require(
    kind: { readonly apiVersion: string; readonly kind: string },
    signal: AbortSignal | undefined,
  ): Promise<Resource>;
}

type ResourceList = {
  readonly resources?: readonly {
    readonly name: string;
    readonly kind: string;
    readonly namespaced: boolean;
  }[];
};

export function createDiscovery(transport: Transport): Discovery {
  const known = new Map<string, readonly Resource[]>();

  async function load(apiVersion: string, signal: AbortSignal | undefined): Promise<readonly Resource[]> {
    const answer = await transport.request({
      method: "GET",
      path: apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`,
      doing: `looking up the kinds of ${apiVersion}`,
      accept: [404],
      signal,
    });
    const listed = answer.status === 404 ? [] : ((answer.data as ResourceList | undefined)?.resources ?? []);
    const resources = listed
      // Names with a slash are subresources such as `deployments/scale`.
      .filter((entry) => !entry.name.includes("/"))
      .map(({ name, kind, namespaced }) => ({ apiVersion, kind, name, namespaced }));
    known.set(apiVersion, resources);
    return resources;
  }

  const discovery: Discovery = {
    async find({ apiVersion, kind }, signal) {
      const cached = known.get(apiVersion)?.find((resource) => resource.kind === kind);
      return cached ?? (await load(apiVersion, signal)).find((resource) => resource.kind === kind);
    },
    async require(kind, signal) {
      const found = await discovery.find(kind, signal);
      if (found) return found;
      throw new KubernetesError(`the API server has no kind ${kind.kind} in ${kind.apiVersion}`, {
        code: "NOT_FOUND",
        status: 404,
        hint: "apply the CustomResourceDefinition that brings it first, or check the spelling and the version",
      });
    },
  };
  return discovery;
}

/** Path of one object, or of all of a namespace (without a name), or of all (without both). */
export function resourcePath(
  resource: Resource,
  object: Partial<Pick<ObjectReference, "name" | "namespace">>,
): string {
  const parts = [
    resource.apiVersion.includes("/") ? `/apis/${resource.apiVersion}` : `/api/${resource.apiVersion}`,
  ];
  // An object without a namespace is one of `default`, as for kubectl; a list without one is of all.
  const namespace = object.namespace ?? (object.name === undefined ? undefined : "default");
  if (resource.namespaced && namespace !== undefined) parts.push("namespaces", encodeURIComponent(namespace));
  parts.push(resource.name);
  if (object.name !== undefined) parts.push(encodeURIComponent(object.name));
  return parts.join("/");
}

import type { KubernetesObject, PlannedNode } from "@multicloud/core/plugin";
import { parse, stringify } from "yaml";
import type { LonghornOptions } from "./options.js";

const configMapName = "longhorn-storageclass";

/** What is wanted of the StorageClass, for these nodes. */
export interface WantedClass {
  readonly numberOfReplicas: string;
  readonly dataLocality: string;
  /** `disabled`: never two copies in one site. */
  readonly replicaZoneSoftAntiAffinity: string;
  readonly isDefault: boolean;
}

export function wantedClass(options: LonghornOptions, nodes: readonly PlannedNode[]): WantedClass {
  const workers = nodes.filter(({ role }) => role === "worker");
  const sites = new Set(workers.map(({ site }) => site)).size;
  const places = sites > 1 ? sites : workers.length;
  const replicas = options.replicas ?? Math.min(3, Math.max(1, places));
  return {
    numberOfReplicas: String(replicas),
    dataLocality: options.dataLocality ?? (sites > 1 ? "best-effort" : "disabled"),
    // A node's zone is its site. Where there are sites enough, a copy waits for its own to come back rather than
    // be doubled in another: that one may be lost next.
    replicaZoneSoftAntiAffinity: sites > 1 && replicas <= sites ? "disabled" : "enabled",
    isDefault: options.defaultClass !== false,
  };
}

/**
 * The manifest with our settings. Longhorn makes its StorageClass from a ConfigMap and keeps it equal to
 * that (by making it anew: a StorageClass' parameters cannot be changed), so the settings go there.
 */
export function withStorageClass(
  objects: readonly KubernetesObject[],
  wanted: WantedClass,
): readonly KubernetesObject[] {
  return objects.map((object) => {
    if (object.kind !== "ConfigMap" || object.metadata.name !== configMapName) return object;
    const data = object.data as Readonly<Record<string, string>>;
    const given = parse(data["storageclass.yaml"] ?? "") as StorageClass;
    const changed = {
      ...given,
      metadata: {
        ...given.metadata,
        annotations: {
          ...given.metadata.annotations,
          "storageclass.kubernetes.io/is-default-class": String(wanted.isDefault),
        },
      },
      parameters: {
        ...given.parameters,
        numberOfReplicas: wanted.numberOfReplicas,
        dataLocality: wanted.dataLocality,
        replicaZoneSoftAntiAffinity: wanted.replicaZoneSoftAntiAffinity,
      },
    };
    return { ...object, data: { ...data, "storageclass.yaml": stringify(changed) } };
  });
}

/** Whether the StorageClass is the wanted one yet. */
export function isWanted(object: KubernetesObject | undefined, wanted: WantedClass): boolean {
  const { parameters, metadata } = (object ?? {}) as Partial<StorageClass>;
  return (
    parameters?.numberOfReplicas === wanted.numberOfReplicas &&
    parameters.dataLocality === wanted.dataLocality &&
    parameters.replicaZoneSoftAntiAffinity === wanted.replicaZoneSoftAntiAffinity &&
    metadata?.annotations?.["storageclass.kubernetes.io/is-default-class"] === String(wanted.isDefault)
  );
}

interface StorageClass {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
  readonly parameters: Readonly<Record<string, string>>;
}

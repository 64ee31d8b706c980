import { isDeepStrictEqual } from "node:util";
import { type AddonContext, type KubernetesObject, poll } from "@multicloud/core/plugin";
import type { LonghornOptions } from "./options.js";

const namespace = "longhorn-system";
const classKind = { apiVersion: "storage.k8s.io/v1", kind: "StorageClass" };
const nodeKind = { apiVersion: "longhorn.io/v1beta2", kind: "Node" };
/** Only classes with these labels are ours to change or remove. */
const labels = {
  "app.kubernetes.io/managed-by": "multicloud",
  "app.kubernetes.io/part-of": "longhorn",
};

/**
 * A StorageClass for each site whose copies stay there. Longhorn 1.12 places copies by tags of its own Node
 * objects, not by labels of Kubernetes' (docs, "Storage Tags"), so those are tagged first.
 */
export async function applySiteClasses(context: AddonContext, options: LonghornOptions): Promise<void> {
  const workers = context.nodes.filter(({ role }) => role === "worker");
  const sites = [...new Set(workers.map(({ site }) => site))].sort();
  const isOn = options.siteClasses !== false && sites.length > 1;
  const classes = isOn
    ? sites.map((site) => siteClass(site, workers.filter((worker) => worker.site === site).length))
    : [];
  if (isOn) await tagNodes(context, options);
  await replaceChanged(context, classes);
}

function siteClass(site: string, workers: number): KubernetesObject {
  return {
    ...classKind,
    metadata: { name: `longhorn-${site}`, labels: { ...labels, "app.kubernetes.io/component": site } },
    provisioner: "driver.longhorn.io",
    allowVolumeExpansion: true,
    reclaimPolicy: "Delete",
    volumeBindingMode: "Immediate",
    parameters: {
      numberOfReplicas: String(Math.min(2, workers)),
      staleReplicaTimeout: "30",
      fsType: "ext4",
      dataLocality: "best-effort",
      dataEngine: "v1",
      nodeSelector: tagOf(site),
      // All copies are in one zone: that is what the class is for.
      replicaZoneSoftAntiAffinity: "enabled",
    },
  };
}

function tagOf(site: string): string {
  return `site-${site}`;
}

/** Waits until Longhorn knows the workers that are Ready, and tags each with its site. Tags of others stay. */
async function tagNodes(context: AddonContext, options: LonghornOptions): Promise<void> {
  const { kubernetes, signal } = context;
  const siteOf = new Map(context.nodes.map(({ name, site }) => [name, site]));
  const isWorker = new Set(context.nodes.filter(({ role }) => role === "worker").map(({ name }) => name));
  const found = await poll({
    what: "Longhorn to know the workers",
    intervalMs: options.pollIntervalMs ?? 1_000,
    timeoutMs: options.timeoutMs ?? 600_000,
    signal,
    hint: `compare kubectl get nodes with kubectl --namespace ${namespace} get nodes.longhorn.io`,
    async check(looking) {
      const nodes = await kubernetes.nodes({ signal: looking });
      const known = await kubernetes.list({ ...nodeKind, namespace }, { signal: looking });
      const names = new Set(known.map(({ metadata }) => metadata.name));
      const isMissing = nodes.some(({ name, ready }) => ready && isWorker.has(name) && !names.has(name));
      return isMissing ? undefined : known;
    },
  });
  const wanted = found.flatMap((node) => {
    const site = siteOf.get(node.metadata.name);
    if (site === undefined || !isWorker.has(node.metadata.name)) return [];
    const present = (node.spec as { readonly tags?: readonly string[] } | undefined)?.tags ?? [];
    if (present.includes(tagOf(site))) return [];
    const tags = [...present.filter((tag) => !tag.startsWith("site-")), tagOf(site)].sort();
    return [{ ...nodeKind, metadata: { name: node.metadata.name, namespace }, spec: { tags } }];
  });
  // Longhorn wrote the list when it made the node; what it wrote is kept in ours.
  if (wanted.length > 0) await kubernetes.apply(wanted, { signal, force: true });
}

/**
 * A StorageClass' parameters cannot be changed, so one that differs is made anew, and one of a site that is gone
 * is removed: volumes keep the settings they were made with, whatever becomes of their class.
 */
async function replaceChanged(context: AddonContext, wanted: readonly KubernetesObject[]): Promise<void> {
  const { kubernetes, signal } = context;
  const labelSelector = Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(",");
  for (const present of await kubernetes.list({ ...classKind, labelSelector }, { signal })) {
    const next = wanted.find(({ metadata }) => metadata.name === present.metadata.name);
    if (next && isDeepStrictEqual(next.parameters, present.parameters)) continue;
    await kubernetes.delete({ ...classKind, name: present.metadata.name }, { signal });
  }
  await kubernetes.apply(wanted, { signal });
}

import { describeReference } from "../kubernetes-error.js";
import type { KubernetesObject, ObjectReference, WaitOptions } from "../types.js";
import { type ClientParts, getObject, listObjects } from "./objects.js";
import { type Look, waitFor } from "./poll.js";

/**
 * What `kubectl drain --ignore-daemonsets --delete-emptydir-data` does: no new pods on the node, then every
 * pod evicted through the eviction API, which refuses with 429 while a PodDisruptionBudget has no room; then
 * it is tried again until it may go. Pods that cannot move stay: those of DaemonSets and static pods.
 */
export async function drainNode(
  parts: ClientParts,
  name: string,
  options: WaitOptions | undefined,
): Promise<void> {
  const reference: ObjectReference = { apiVersion: "v1", kind: "Node", name };
  const node = await getObject(parts, reference, options?.signal);
  if (!node) return;
  if ((node.spec as { unschedulable?: boolean } | undefined)?.unschedulable !== true)
    await cordon(parts, reference, options?.signal);
  await waitFor<void>({
    what: `the pods of node ${name} to end`,
    reference,
    transport: parts.transport,
    intervalMs: parts.pollIntervalMs,
    // A budget that gets room again is no event of these pods.
    watchedIntervalMs: parts.pollIntervalMs,
    options,
    look: (signal) => evictRest(parts, name, signal),
  });
}

async function cordon(
  parts: ClientParts,
  reference: ObjectReference,
  signal: AbortSignal | undefined,
): Promise<void> {
  await parts.transport.request({
    method: "PATCH",
    path: `/api/v1/nodes/${encodeURIComponent(reference.name)}`,
    query: { fieldManager: parts.fieldManager },
    contentType: "application/merge-patch+json",
    body: { spec: { unschedulable: true } },
    doing: `cordoning ${describeReference(reference)}`,
    reference,
    accept: [404],
    signal,
  });
}

async function evictRest(parts: ClientParts, node: string, signal: AbortSignal): Promise<Look<void>> {
  const { items, watch } = await listObjects(
    parts,
    { apiVersion: "v1", kind: "Pod", fieldSelector: `spec.nodeName=${node}` },
    signal,
  );
  const moving = items.filter(mustMove);
  if (moving.length === 0) return { done: undefined };
  const refused: string[] = [];
  for (const pod of moving) {
    if (pod.metadata.deletionTimestamp !== undefined) continue;
    const said = await evict(parts, pod, signal);
    if (said !== undefined) refused.push(`${pod.metadata.namespace}/${pod.metadata.name} (${said})`);
  }
  const count = moving.length === 1 ? "1 pod" : `${moving.length} pods`;
  const why = refused.length > 0 ? `; refused: ${refused.join(", ")}` : "";
  return { waiting: `${count} left${why}`, watch };
}

/** Why the API server would not let the pod go now; `undefined` when it goes. */
async function evict(
  parts: ClientParts,
  pod: KubernetesObject,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { name, namespace = "default", uid } = pod.metadata;
  const reference: ObjectReference = { apiVersion: "v1", kind: "Pod", name, namespace };
  const answer = await parts.transport.request({
    method: "POST",
    path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}/eviction`,
    body: {
      apiVersion: "policy/v1",
      kind: "Eviction",
      metadata: { name, namespace },
      // A StatefulSet gives the next pod the same name: only the one that was seen may be evicted.
      deleteOptions: { preconditions: { uid } },
    },
    doing: `evicting ${describeReference(reference)}`,
    reference,
    accept: [404, 409, 429],
    signal,
  });
  if (answer.status !== 429) return undefined;
  const status = answer.data as
    | { message?: string; details?: { causes?: { message?: string }[] } }
    | undefined;
  return status?.details?.causes?.[0]?.message ?? status?.message ?? "too many requests";
}

function mustMove(pod: KubernetesObject): boolean {
  const owners = (pod.metadata.ownerReferences ?? []) as readonly {
    readonly kind: string;
    readonly controller?: boolean;
  }[];
  if (owners.some((owner) => owner.controller === true && owner.kind === "DaemonSet")) return false;
  if (pod.metadata.annotations?.["kubernetes.io/config.mirror"] !== undefined) return false;
  const phase = (pod.status as { phase?: string } | undefined)?.phase;
  return phase !== "Succeeded" && phase !== "Failed";
}

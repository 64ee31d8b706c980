import { type ApiObject, fields, isFields } from "./api-object.js";
import { badRequest, budgetExhausted, notFound } from "./api-status.js";
import { deleteObject } from "./deletion.js";
import type { ObjectStore } from "./object-store.js";
import type { ApiRequest, Target } from "./request.js";
import { matchesSelector } from "./selectors.js";
import { isPodReady } from "./webhooks.js";
import { type ApiAnswer, checkPreconditions, type WriteParts } from "./writes.js";

/** The eviction subresource of a pod (policy/v1): a delete that PodDisruptionBudgets may refuse with 429. */
export async function evict(parts: WriteParts, request: ApiRequest, target: Target): Promise<ApiAnswer> {
  const { store } = parts;
  const body = isFields(request.body) ? request.body : {};
  if (body.kind !== "Eviction" || (body.apiVersion !== "policy/v1" && body.apiVersion !== "policy/v1beta1"))
    throw badRequest(`no kind "${String(body.kind)}" is registered for version "${String(body.apiVersion)}"`);
  const pod = store.get(target.type, target.namespace, target.name!);
  if (!pod) throw notFound(target.type, target.name!);
  checkPreconditions(target, pod, fields(body.deleteOptions));
  if (pod.metadata.deletionTimestamp === undefined) {
    checkBudgets(store, pod);
    deleteObject(store, pod, parts.now());
    await parts.effects.record({
      service: "kubernetes",
      kind: "object",
      action: "delete",
      name: `Pod ${pod.metadata.namespace}/${pod.metadata.name}`,
    });
  }
  return {
    status: 201,
    body: { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 },
  };
}

function checkBudgets(store: ObjectStore, pod: ApiObject): void {
  if (!isPodReady(pod)) return;
  for (const budget of store.all("policy/v1", "PodDisruptionBudget", pod.metadata.namespace)) {
    const spec = fields(budget.spec);
    if (!matchesSelector(spec.selector, pod.metadata.labels)) continue;
    const pods = store
      .all("v1", "Pod", pod.metadata.namespace)
      .filter((other) => matchesSelector(spec.selector, other.metadata.labels));
    const expected = expectedPods(store, pods);
    const healthy = pods.filter(isPodReady).length;
    const needed =
      spec.minAvailable === undefined
        ? expected - amount(spec.maxUnavailable ?? 1, expected)
        : amount(spec.minAvailable, expected);
    if (healthy - 1 < needed) throw budgetExhausted(budget.metadata.name, healthy, needed);
  }
}

/** How many pods their controllers want, which is what a budget counts from, not how many there are. */
function expectedPods(store: ObjectStore, pods: readonly ApiObject[]): number {
  const seen = new Map<string, number>();
  for (const pod of pods) {
    const owner = pod.metadata.ownerReferences?.find(({ controller }) => controller);
    if (!owner) seen.set(pod.metadata.uid ?? "", 1);
    else {
      const object = store.find(owner.apiVersion, owner.kind, pod.metadata.namespace, owner.name);
      const replicas = fields(object?.spec).replicas;
      seen.set(owner.uid, typeof replicas === "number" ? replicas : 1);
    }
  }
  return [...seen.values()].reduce((sum, count) => sum + count, 0);
}

/** A number, or a percentage rounded up. */
function amount(value: unknown, of: number): number {
  if (typeof value === "string" && value.endsWith("%"))
    return Math.ceil((Number.parseInt(value, 10) / 100) * of);
  return Number(value);
}

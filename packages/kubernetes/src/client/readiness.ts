import type { KubernetesObject } from "../types.js";

/** Whether an object works. `failed` is final: waiting longer does not help. */
export interface Readiness {
  readonly state: "ready" | "waiting" | "failed";
  /** A sentence such as `1 of 3 replicas available`. */
  readonly message: string;
}

type Condition = {
  readonly type?: string;
  readonly status?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly observedGeneration?: number;
};

/** Reads readiness off an object the way `kubectl rollout status` and `kubectl wait` do. */
export function readiness(object: KubernetesObject): Readiness {
  const spec = record(object.spec);
  const status = record(object.status);
  if (object.metadata.deletionTimestamp !== undefined) return waiting("it is being deleted");
  switch (object.kind) {
    case "Deployment":
      return stale(object) ?? deployment(spec, status);
    case "DaemonSet":
      return stale(object) ?? daemonSet(status);
    case "StatefulSet":
      return stale(object) ?? statefulSet(spec, status);
    case "Job":
      return job(spec, status);
    case "CustomResourceDefinition":
      return customResourceDefinition(object);
    case "Namespace":
      return phase(status, "Active");
    case "PersistentVolumeClaim":
      return phase(status, "Bound");
    default:
      return byCondition(object);
  }
}

function deployment(spec: Fields, status: Fields): Readiness {
  const wanted = count(spec.replicas, 1);
  const updated = count(status.updatedReplicas, 0);
  const available = count(status.availableReplicas, 0);
  const old = count(status.replicas, 0) - updated;
  if (updated < wanted) return waiting(`${updated} of ${wanted} replicas updated`);
  if (old > 0) return waiting(`${old} old replicas still to end`);
  return available < wanted
    ? waiting(`${available} of ${wanted} replicas available`)
    : ready(`${available} of ${wanted} replicas available`);
}

function daemonSet(status: Fields): Readiness {
  const wanted = count(status.desiredNumberScheduled, 0);
  const updated = count(status.updatedNumberScheduled, 0);
  const available = count(status.numberAvailable, 0);
  if (updated < wanted) return waiting(`${updated} of ${wanted} pods updated`);
  return available < wanted
    ? waiting(`${available} of ${wanted} pods available`)
    : ready(`${available} of ${wanted} pods available`);
}

function statefulSet(spec: Fields, status: Fields): Readiness {
  const wanted = count(spec.replicas, 1);
  const available = count(status.readyReplicas, 0);
  const updated = count(status.updatedReplicas, 0);
  if (available < wanted) return waiting(`${available} of ${wanted} pods ready`);
  return updated < wanted
    ? waiting(`${updated} of ${wanted} pods updated`)
    : ready(`${available} of ${wanted} pods ready`);
}

function job(spec: Fields, status: Fields): Readiness {
  const conditions = conditionsOf(status);
  const failure = conditions.find(({ type, status }) => type === "Failed" && status === "True");
  if (failure) return { state: "failed", message: `it failed: ${failure.message ?? failure.reason ?? ""}` };
  if (conditions.some(({ type, status }) => type === "Complete" && status === "True"))
    return ready("it is complete");
  return waiting(`${count(status.succeeded, 0)} of ${count(spec.completions, 1)} completions`);
}

function customResourceDefinition(object: KubernetesObject): Readiness {
  const conditions = conditionsOf(record(object.status));
  const refused = conditions.find(({ type, status }) => type === "NamesAccepted" && status === "False");
  if (refused)
    return { state: "failed", message: `its names are not accepted: ${refused.message ?? refused.reason}` };
  return conditions.some(({ type, status }) => type === "Established" && status === "True")
    ? ready("it is established")
    : waiting("it is not established yet");
}

function phase(status: Fields, wanted: string): Readiness {
  return status.phase === wanted
    ? ready(`its phase is ${wanted}`)
    : waiting(`its phase is ${String(status.phase ?? "not set")}`);
}

/** Anything with a `Ready` or `Available` condition; an object of a built-in group that has none is ready when it is there. */
function byCondition(object: KubernetesObject): Readiness {
  const status = record(object.status);
  if (object.kind === "Pod" && status.phase === "Succeeded") return ready("it is complete");
  const condition = conditionsOf(status).find(({ type }) => type === "Ready" || type === "Available");
  if (!condition) {
    const known = isBuiltIn(object.apiVersion) && object.kind !== "Pod" && object.kind !== "APIService";
    return known ? ready("it exists") : waiting("it reports no condition yet");
  }
  const seen = condition.observedGeneration;
  if (seen !== undefined && seen < generation(object)) return waiting("the last change was not seen yet");
  if (condition.status === "True") return ready(`it is ${condition.type}`);
  const why = [condition.reason, condition.message].filter(Boolean).join(": ");
  return waiting(`it is not ${condition.type}${why && `: ${why}`}`);
}

function stale(object: KubernetesObject): Readiness | undefined {
  const seen = record(object.status).observedGeneration;
  return typeof seen !== "number" || seen < generation(object)
    ? waiting("its controller has not seen the last change yet")
    : undefined;
}

function generation(object: KubernetesObject): number {
  return count(object.metadata.generation, 0);
}

/** Groups of Kubernetes itself have no dot or end in `.k8s.io`. */
function isBuiltIn(apiVersion: string): boolean {
  const group = apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
  return !group.includes(".") || group.endsWith(".k8s.io");
}

type Fields = Readonly<Record<string, unknown>>;

function record(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}

function count(value: unknown, otherwise: number): number {
  return typeof value === "number" ? value : otherwise;
}

function conditionsOf(status: Fields): readonly Condition[] {
  return Array.isArray(status.conditions) ? (status.conditions as Condition[]) : [];
}

function ready(message: string): Readiness {
  return { state: "ready", message };
}

function waiting(message: string): Readiness {
  return { state: "waiting", message };
}

import { createHash } from "node:crypto";
import { type ApiObject, type Fields, fields, type OwnerReference } from "../api-object.js";
import { deleteObject } from "../deletion.js";
import type { ObjectStore } from "../object-store.js";
import { isPodReady } from "../webhooks.js";
import { setCondition } from "./conditions.js";
import type { ControllerParts } from "./controller-manager.js";
import { daemonNodes } from "./scheduling.js";

/** Makes pods for Deployments, DaemonSets, StatefulSets and Jobs, and writes what became of them into their status. */
export function reconcileWorkloads(parts: ControllerParts): void {
  const { store } = parts;
  const active = (object: ApiObject) => object.metadata.deletionTimestamp === undefined;
  for (const object of store.all("apps/v1", "Deployment").filter(active)) deployment(parts, object);
  for (const object of store.all("apps/v1", "DaemonSet").filter(active)) daemonSet(parts, object);
  for (const object of store.all("apps/v1", "StatefulSet").filter(active)) statefulSet(parts, object);
  for (const object of store.all("batch/v1", "Job").filter(active)) job(parts, object);
}

function deployment(parts: ControllerParts, object: ApiObject): void {
  const { store } = parts;
  const wanted = count(object.spec?.replicas, 1);
  const hash = templateHash(object);
  const current = ensureReplicaSet(store, object, hash, wanted);
  const pods = podsOf(store, current);
  for (let missing = wanted - pods.length; missing > 0; missing--) createPod(store, object, current);
  for (const pod of pods.slice(wanted)) deleteObject(store, pod, parts.now());
  const ready = pods.filter(isPodReady).length;
  const oldSets = store
    .all("apps/v1", "ReplicaSet", object.metadata.namespace)
    .filter((set) => isOwned(set, object) && set.metadata.uid !== current.metadata.uid);
  const oldPods = oldSets.flatMap((set) => podsOf(store, set));
  // A rolling update in one step: the old pods go when the new ones are ready.
  if (ready >= wanted) for (const pod of oldPods) deleteObject(store, pod, parts.now());
  const all = podsOf(store, current).length + oldPods.length;
  store.modify(object, (draft) => {
    draft.status = compact({
      ...draft.status,
      observedGeneration: draft.metadata.generation,
      replicas: all,
      updatedReplicas: podsOf(store, current).length,
      readyReplicas: ready + oldPods.filter(isPodReady).length,
      availableReplicas: ready + oldPods.filter(isPodReady).length,
      unavailableReplicas: Math.max(0, wanted - ready),
    });
    const available = ready >= wanted - Math.floor(wanted / 4);
    setCondition(
      draft,
      available
        ? {
            type: "Available",
            status: "True",
            reason: "MinimumReplicasAvailable",
            message: "Deployment has minimum availability.",
          }
        : {
            type: "Available",
            status: "False",
            reason: "MinimumReplicasUnavailable",
            message: "Deployment does not have minimum availability.",
          },
      parts.now(),
    );
    setCondition(
      draft,
      {
        type: "Progressing",
        status: "True",
        reason: ready >= wanted ? "NewReplicaSetAvailable" : "ReplicaSetUpdated",
      },
      parts.now(),
    );
  });
}

function daemonSet(parts: ControllerParts, object: ApiObject): void {
  const { store } = parts;
  const template = podTemplate(object);
  const nodes = daemonNodes(store, template).map(({ metadata }) => metadata.name);
  const pods = podsOf(store, object);
  const nodeOf = (pod: ApiObject) => String(fields(pod.spec).nodeName);
  for (const node of nodes) {
    if (!pods.some((pod) => nodeOf(pod) === node)) createPod(store, object, object, { nodeName: node });
  }
  const hash = templateHash(object);
  for (const pod of pods) {
    const outdated = pod.metadata.labels?.["controller-revision-hash"] !== hash;
    if (!nodes.includes(nodeOf(pod)) || outdated) deleteObject(store, pod, parts.now());
  }
  const placed = podsOf(store, object).filter((pod) => nodes.includes(nodeOf(pod)));
  const ready = placed.filter(isPodReady).length;
  store.modify(object, (draft) => {
    draft.status = {
      ...draft.status,
      observedGeneration: draft.metadata.generation,
      desiredNumberScheduled: nodes.length,
      currentNumberScheduled: placed.length,
      updatedNumberScheduled: placed.length,
      numberMisscheduled: 0,
      numberReady: ready,
      numberAvailable: ready,
    };
  });
}

function statefulSet(parts: ControllerParts, object: ApiObject): void {
  const { store } = parts;
  const wanted = count(object.spec?.replicas, 1);
  const names = Array.from({ length: wanted }, (_, index) => `${object.metadata.name}-${index}`);
  const pods = podsOf(store, object);
  // One after the other: the next starts when those before it are ready.
  const next = names.find((name) => !pods.some((pod) => pod.metadata.name === name && isPodReady(pod)));
  if (next && !store.find("v1", "Pod", object.metadata.namespace, next))
    createPod(store, object, object, {}, next);
  for (const pod of pods) {
    const outdated = pod.metadata.labels?.["controller-revision-hash"] !== templateHash(object);
    if (!names.includes(pod.metadata.name) || outdated) deleteObject(store, pod, parts.now());
  }
  const present = podsOf(store, object);
  const ready = present.filter(isPodReady).length;
  store.modify(object, (draft) => {
    draft.status = {
      ...draft.status,
      observedGeneration: draft.metadata.generation,
      replicas: present.length,
      readyReplicas: ready,
      availableReplicas: ready,
      currentReplicas: present.length,
      updatedReplicas: present.length,
    };
  });
}

function job(parts: ControllerParts, object: ApiObject): void {
  const { store } = parts;
  const wanted = count(object.spec?.completions, 1);
  const pods = podsOf(store, object);
  const done = pods.filter((pod) => pod.status?.phase === "Succeeded").length;
  for (let missing = wanted - pods.length; missing > 0; missing--) createPod(store, object, object);
  store.modify(object, (draft) => {
    draft.status = compact({ ...draft.status, active: pods.length - done, succeeded: done });
    if (done >= wanted)
      setCondition(draft, { type: "Complete", status: "True", reason: "CompletionsReached" }, parts.now());
  });
}

function ensureReplicaSet(store: ObjectStore, owner: ApiObject, hash: string, replicas: number): ApiObject {
  const { namespace } = owner.metadata;
  const name = `${owner.metadata.name}-${hash}`;
  const present = store.find("apps/v1", "ReplicaSet", namespace, name);
  if (present) {
    store.modify(present, (draft) => {
      draft.spec = { ...draft.spec, replicas };
    });
    return present;
  }
  return store.create({
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      labels: { ...labelsOf(owner), "pod-template-hash": hash },
      ownerReferences: [ownerOf(owner)],
    },
    spec: { replicas, selector: owner.spec?.selector, template: owner.spec?.template },
  });
}

function createPod(
  store: ObjectStore,
  workload: ApiObject,
  owner: ApiObject,
  placement: Fields = {},
  name?: string,
): void {
  const template = podTemplate(workload);
  const hash = templateHash(workload);
  const { namespace } = workload.metadata;
  const unique = createHash("sha256")
    .update(`${owner.metadata.uid}${store.revision}`)
    .digest("hex")
    .slice(0, 5);
  store.create({
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: name ?? `${owner.metadata.name}-${unique}`,
      ...(namespace === undefined ? {} : { namespace }),
      labels: {
        ...template.metadata.labels,
        [owner.kind === "ReplicaSet" ? "pod-template-hash" : "controller-revision-hash"]: hash,
      },
      ownerReferences: [ownerOf(owner)],
    },
    spec: { ...template.spec, ...placement },
    status: { phase: "Pending", conditions: [] },
  });
}

/** Pods of an owner that are not on their way out. */
function podsOf(store: ObjectStore, owner: ApiObject): ApiObject[] {
  return store
    .all("v1", "Pod", owner.metadata.namespace)
    .filter((pod) => isOwned(pod, owner) && pod.metadata.deletionTimestamp === undefined);
}

function isOwned(object: ApiObject, owner: ApiObject): boolean {
  return object.metadata.ownerReferences?.some(({ uid }) => uid === owner.metadata.uid) === true;
}

function ownerOf(owner: ApiObject): OwnerReference {
  const { apiVersion, kind, metadata } = owner;
  return { apiVersion, kind, name: metadata.name, uid: metadata.uid ?? "", controller: true };
}

function podTemplate(workload: ApiObject): ApiObject {
  const template = fields(fields(workload.spec).template);
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "", ...(fields(template.metadata) as Partial<ApiObject["metadata"]>) },
    spec: fields(template.spec),
  };
}

function labelsOf(workload: ApiObject): Record<string, string> {
  return podTemplate(workload).metadata.labels ?? {};
}

// Stored objects are frozen, so a template's hash holds for as long as there is the template.
const hashes = new WeakMap<object, string>();

function templateHash(workload: ApiObject): string {
  const template = fields(workload.spec?.template);
  const known = hashes.get(template);
  if (known !== undefined) return known;
  const hash = createHash("sha256").update(JSON.stringify(template)).digest("hex").slice(0, 10);
  hashes.set(template, hash);
  return hash;
}

function count(value: unknown, otherwise: number): number {
  return typeof value === "number" ? value : otherwise;
}

/** Kubernetes leaves zeros out of a status. */
function compact(status: Fields): Fields {
  return Object.fromEntries(Object.entries(status).filter(([, value]) => value !== 0));
}

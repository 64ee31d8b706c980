import { type ApiObject, type Fields, fields, fieldsList } from "../api-object.js";
import type { ObjectStore } from "../object-store.js";
import { hasCondition } from "./conditions.js";

/** The node that the scheduler would put a pod on; `undefined` when none takes it. */
export function chooseNode(store: ObjectStore, pod: ApiObject): string | undefined {
  const pods = store.all("v1", "Pod");
  const owner = pod.metadata.ownerReferences?.[0]?.uid;
  const nodes = store
    .all("v1", "Node")
    .filter((node) => hasCondition(node, "Ready") && fields(node.spec).unschedulable !== true)
    .filter((node) => fitsSelector(node, pod) && tolerates(pod, node));
  const zoneOf = (name: unknown) => {
    const labels = nodes.find((node) => node.metadata.name === name)?.metadata.labels;
    return (
      labels?.["topology.kubernetes.io/zone"] ?? labels?.["topology.kubernetes.io/region"] ?? String(name)
    );
  };
  // Spread: first over sites, then over nodes, then the emptiest, then by name so that it is always the same.
  const siblings = pods.filter(
    (other) =>
      other.metadata.ownerReferences?.some(({ uid }) => uid === owner) && fields(other.spec).nodeName,
  );
  const score = (node: ApiObject): readonly [number, number, number] => {
    const { name } = node.metadata;
    const inZone = siblings.filter((other) => zoneOf(fields(other.spec).nodeName) === zoneOf(name)).length;
    const onNode = siblings.filter((other) => fields(other.spec).nodeName === name).length;
    return [inZone, onNode, pods.filter((other) => fields(other.spec).nodeName === name).length];
  };
  const ranked = nodes
    .map((node) => ({ name: node.metadata.name, score: score(node) }))
    .sort((a, b) => compare(a.score, b.score) || (a.name < b.name ? -1 : 1));
  return ranked[0]?.name;
}

/** Nodes that a DaemonSet runs on: it tolerates what makes a node unready or unschedulable. */
export function daemonNodes(store: ObjectStore, pod: ApiObject): ApiObject[] {
  return store.all("v1", "Node").filter((node) => fitsSelector(node, pod) && tolerates(pod, node));
}

function fitsSelector(node: ApiObject, pod: ApiObject): boolean {
  return Object.entries(fields(fields(pod.spec).nodeSelector)).every(
    ([key, value]) => node.metadata.labels?.[key] === value,
  );
}

function tolerates(pod: ApiObject, node: ApiObject): boolean {
  const tolerations = fieldsList(fields(pod.spec).tolerations);
  return fieldsList(fields(node.spec).taints)
    .filter(({ effect }) => effect === "NoSchedule" || effect === "NoExecute")
    .every((taint) => tolerations.some((toleration) => covers(toleration, taint)));
}

function covers(toleration: Fields, taint: Fields): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false;
  if (toleration.key === undefined) return toleration.operator === "Exists";
  if (toleration.key !== taint.key) return false;
  return toleration.operator === "Exists" || (toleration.value ?? "") === (taint.value ?? "");
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [index, value] of a.entries()) {
    const difference = value - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

import type { NodeTaint, RegisteredNode } from "../rke/clusters.js";
import { type ApiObject, fields, fieldsList, timestamp } from "./api-object.js";
import { setCondition } from "./controllers/conditions.js";
import type { ObjectStore } from "./object-store.js";

/** Makes or updates the Node object that a kubelet reports. What others set on it (labels, cordon) stays. */
export function registerNode(store: ObjectStore, node: RegisteredNode, now: number): void {
  const present = store.find("v1", "Node", undefined, node.name);
  const object =
    present ??
    store.create({ apiVersion: "v1", kind: "Node", metadata: { name: node.name }, spec: {}, status: {} });
  store.modify(object, (draft) => fill(draft, node, now));
}

/** Sets the Ready condition of a node. */
export function setNodeReady(store: ObjectStore, name: string, ready: boolean, now: number): void {
  const object = store.find("v1", "Node", undefined, name);
  if (object) store.modify(object, (draft) => setReady(draft, ready, now));
}

/** Takes the former taints off a node and puts others on. What somebody else put there stays. */
export function syncTaints(
  store: ObjectStore,
  name: string,
  former: readonly NodeTaint[],
  taints: readonly NodeTaint[],
): void {
  const object = store.find("v1", "Node", undefined, name);
  if (!object) return;
  // Kubernetes tells taints apart by key and effect.
  const is = (one: NodeTaint) => (other: unknown) => {
    const { key, effect } = fields(other);
    return key === one.key && effect === one.effect;
  };
  store.modify(object, (draft) => {
    const kept = fieldsList(draft.spec?.taints).filter(
      (taint) => ![...former, ...taints].some((one) => is(one)(taint)),
    );
    draft.spec = { ...draft.spec, taints: [...kept, ...taints] };
    if (kept.length + taints.length === 0) delete draft.spec.taints;
  });
}

function fill(draft: ApiObject, node: RegisteredNode, now: number): void {
  draft.metadata.labels = {
    ...draft.metadata.labels,
    "kubernetes.io/hostname": node.name,
    "kubernetes.io/os": "linux",
    "kubernetes.io/arch": "amd64",
    ...Object.fromEntries(node.roles.map((role) => [`node-role.kubernetes.io/${role}`, "true"])),
    ...node.labels,
  };
  // Taints are what a node registers with; a kubelet that starts again does not touch them.
  const taints = draft.status?.nodeInfo ? [] : (node.taints ?? taintsOf(node.roles));
  draft.spec = { ...draft.spec, ...(taints.length > 0 ? { taints } : {}) };
  const address = (type: string, value: string) => ({ type, address: value });
  draft.status = {
    ...draft.status,
    addresses: [
      address("InternalIP", node.internalIP),
      ...(node.externalIP === undefined ? [] : [address("ExternalIP", node.externalIP)]),
      address("Hostname", node.name),
    ],
    nodeInfo: {
      ...fields(draft.status?.nodeInfo),
      kubeletVersion: node.version,
      osImage: "Debian GNU/Linux 12 (bookworm)",
      containerRuntimeVersion: node.containerRuntime ?? "docker://20.10.24",
      architecture: "amd64",
      operatingSystem: "linux",
    },
    capacity: { cpu: "4", memory: "8Gi", pods: "110" },
    allocatable: { cpu: "4", memory: "8Gi", pods: "110" },
  };
  setReady(draft, node.ready, now);
}

function setReady(draft: ApiObject, ready: boolean, now: number): void {
  setCondition(
    draft,
    ready
      ? { type: "Ready", status: "True", reason: "KubeletReady", message: "kubelet is posting ready status" }
      : {
          type: "Ready",
          status: "False",
          reason: "KubeletNotReady",
          message: `not ready since ${timestamp(now)}`,
        },
    now,
  );
}

/** Taints that RKE puts on nodes that are no workers. */
function taintsOf(roles: readonly string[]): { key: string; value: string; effect: string }[] {
  if (roles.length === 0 || roles.includes("worker")) return [];
  return [
    ...(roles.includes("controlplane")
      ? [{ key: "node-role.kubernetes.io/controlplane", value: "true", effect: "NoSchedule" }]
      : []),
    ...(roles.includes("etcd")
      ? [{ key: "node-role.kubernetes.io/etcd", value: "true", effect: "NoExecute" }]
      : []),
  ];
}

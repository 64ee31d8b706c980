import { customResource } from "../releases/custom-resource.js";
import type { KubernetesCluster, KubernetesClusters } from "../rke/clusters.js";
import type { World } from "../world/world.js";
import { type ApiObject, fields, fieldsList } from "./api-object.js";
import { type ApiCall, createApiServer } from "./api-server.js";
import { registerNode, setNodeReady, syncTaints } from "./cluster-nodes.js";
import { startControllers } from "./controllers/controller-manager.js";
import { createObjectStore } from "./object-store.js";
import type { RequestUser } from "./request.js";
import { dumpStore, loadStore } from "./store-dump.js";

const helmChartDefinition = customResource({
  group: "helm.cattle.io",
  version: "v1",
  kind: "HelmChart",
  plural: "helmcharts",
  scope: "Namespaced",
  labels: {},
});

/** Settings of an emulated cluster. */
export interface KubernetesClusterOptions {
  /** Bearer tokens that are let in, with whom they stand for. Client certificates always are. */
  readonly tokens?: Readonly<Record<string, RequestUser>>;
  /** Version of the API server until a node registers with its own. Default `v1.32.13`. */
  readonly version?: string;
}

/** An emulated cluster with what a test looks at. */
export interface EmulatedCluster extends KubernetesCluster {
  /** Every request so far, in order. A watch is in it from its start. */
  readonly calls: readonly ApiCall[];
  /** A copy of one object; `undefined` when it does not exist. */
  object(apiVersion: string, kind: string, name: string, namespace?: string): ApiObject | undefined;
  /** Copies of all objects of a kind, or of every kind. */
  objects(kind?: string): readonly ApiObject[];
  /** Puts an object in or replaces it, past admission and without an effect: something that was there before. */
  seed(object: ApiObject): void;
  /** Changes an object as another manager, without an effect. */
  modify(
    reference: {
      readonly apiVersion: string;
      readonly kind: string;
      readonly name: string;
      readonly namespace?: string;
    },
    change: (draft: ApiObject) => void,
  ): void;
  /** Called with the name of each Node object that somebody deletes; returns a function that stops it. */
  onNodeDeleted(listener: (name: string) => void): () => void;
  /** Breaks all connections and stops the controllers. The objects stay. */
  close(): void;
}

/** One emulated Kubernetes cluster with its API server and controllers. It has no nodes yet. */
export function createKubernetesCluster(
  world: World,
  options: KubernetesClusterOptions = {},
): EmulatedCluster {
  const now = () => world.clock.now();
  const store = createObjectStore(now);
  let addresses = 1;
  for (const name of ["default", "kube-node-lease", "kube-public", "kube-system"])
    store.create({
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name, labels: { "kubernetes.io/metadata.name": name } },
      spec: { finalizers: ["kubernetes"] },
      status: { phase: "Active" },
    });
  store.create({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "kubernetes", namespace: "default" },
    spec: {
      type: "ClusterIP",
      clusterIP: "10.43.0.1",
      ports: [{ name: "https", port: 443, protocol: "TCP" }],
    },
  });
  store.create({
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRole",
    metadata: { name: "cluster-admin" },
    rules: [{ apiGroups: ["*"], resources: ["*"], verbs: ["*"] }],
  });
  const stopControllers = startControllers(store, world.clock, world.timing);
  const server = createApiServer(
    world,
    {
      store,
      effects: world.effects,
      clock: world.clock,
      now,
      allocateIp: () => `10.43.${(++addresses >> 8) & 255}.${addresses & 255}`,
      version: () => {
        const info = fields(fields(store.all("v1", "Node")[0]?.status).nodeInfo);
        return String(info.kubeletVersion ?? options.version ?? "v1.32.13");
      },
    },
    options.tokens ?? {},
  );

  return {
    accept: server.accept,
    registerNode: (node) => registerNode(store, node, now()),
    setNodeReady: (name, ready) => setNodeReady(store, name, ready, now()),
    syncTaints: (name, former, taints) => syncTaints(store, name, former, taints),
    removeNode(name) {
      const node = store.find("v1", "Node", undefined, name);
      if (node) store.remove(node);
    },
    ensureIngressClass(name, controller) {
      if (store.find("networking.k8s.io/v1", "IngressClass", undefined, name)) return;
      store.create({
        apiVersion: "networking.k8s.io/v1",
        kind: "IngressClass",
        metadata: { name, annotations: { "ingressclass.kubernetes.io/is-default-class": "true" } },
        spec: { controller },
      });
    },
    ensureHelmController() {
      const definition = helmChartDefinition as unknown as ApiObject;
      if (!store.find(definition.apiVersion, definition.kind, undefined, definition.metadata.name))
        store.create(structuredClone(definition));
    },
    ingressHosts: () => [
      ...new Set(
        store
          .all("networking.k8s.io/v1", "Ingress")
          .flatMap((ingress) => fieldsList(fields(ingress.spec).rules))
          .map(({ host }) => host)
          .filter((host) => typeof host === "string"),
      ),
    ],
    dump: () => dumpStore(store),
    load: (snapshot) => loadStore(store, snapshot),
    calls: server.calls,
    object: (apiVersion, kind, name, namespace) =>
      structuredClone(store.find(apiVersion, kind, namespace, name)),
    objects: (kind) =>
      store
        .types()
        .filter((type) => kind === undefined || type.kind === kind)
        .flatMap((type) => store.list(type).map((object) => structuredClone(object))),
    seed(object) {
      const { name, namespace } = object.metadata;
      if (store.find(object.apiVersion, object.kind, namespace, name)) store.update(object);
      else store.create(object);
    },
    modify({ apiVersion, kind, name, namespace }, change) {
      const object = store.find(apiVersion, kind, namespace, name);
      if (object) store.modify(object, change);
    },
    onNodeDeleted: (listener) =>
      store.listen(({ type, object }) => {
        if (type === "DELETED" && object.kind === "Node") listener(object.metadata.name);
      }),
    close() {
      stopControllers();
      server.close();
    },
  };
}

/** The emulated clusters of one sandbox. */
export interface EmulatedClusters extends KubernetesClusters {
  forCertificateAuthority(caPem: string): EmulatedCluster;
  all(): readonly EmulatedCluster[];
  close(): void;
}

/** All clusters of a sandbox, by the CA that their nodes trust. */
export function createKubernetesClusters(
  world: World,
  options: KubernetesClusterOptions = {},
): EmulatedClusters {
  const clusters = new Map<string, EmulatedCluster>();
  const keyOf = (caPem: string) => caPem.replace(/\s+/g, "");
  const all = () => [...new Set(clusters.values())];
  return {
    forCertificateAuthority(caPem) {
      const key = keyOf(caPem);
      const known = clusters.get(key);
      if (known) return known;
      const cluster = createKubernetesCluster(world, options);
      clusters.set(key, cluster);
      return cluster;
    },
    renewCertificateAuthority(oldPem, newPem) {
      const cluster = clusters.get(keyOf(oldPem));
      if (cluster) clusters.set(keyOf(newPem), cluster);
    },
    all,
    close() {
      for (const cluster of all()) cluster.close();
    },
  };
}

import { stringify } from "yaml";
import { customResource } from "./custom-resource.js";

const version = "v1.12.1";
const namespace = "longhorn-system";
const labels = {
  "app.kubernetes.io/name": "longhorn",
  "app.kubernetes.io/instance": "longhorn",
  "app.kubernetes.io/version": version,
};

/** Objects in the order, and with the names, of `deploy/longhorn.yaml`; far fewer and far shorter. */
export function longhornManifest(): readonly object[] {
  const meta = (name: string, more: Readonly<Record<string, string>> = {}) => ({
    name,
    namespace,
    labels: { ...labels, ...more },
  });
  const definition = (kind: string, plural: string) =>
    customResource({
      group: "longhorn.io",
      version: "v1beta2",
      kind,
      plural,
      scope: "Namespaced",
      labels: { ...labels, "longhorn-manager": "" },
    });
  return [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } },
    {
      apiVersion: "scheduling.k8s.io/v1",
      kind: "PriorityClass",
      metadata: { name: "longhorn-critical", labels },
      description: "Storage goes last when a node is short of memory",
      globalDefault: false,
      preemptionPolicy: "PreemptLowerPriority",
      value: 1_000_000_000,
    },
    { apiVersion: "v1", kind: "ServiceAccount", metadata: meta("longhorn-service-account") },
    { apiVersion: "v1", kind: "ServiceAccount", metadata: meta("longhorn-ui-service-account") },
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: meta("longhorn-default-setting"),
      data: { "default-setting.yaml": 'priority-class: "longhorn-critical"' },
    },
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: meta("longhorn-storageclass"),
      data: { "storageclass.yaml": stringify(storageClass) },
    },
    definition("BackupTarget", "backuptargets"),
    definition("EngineImage", "engineimages"),
    definition("Engine", "engines"),
    definition("InstanceManager", "instancemanagers"),
    definition("Node", "nodes"),
    definition("Replica", "replicas"),
    definition("Setting", "settings"),
    definition("Volume", "volumes"),
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRole",
      metadata: { name: "longhorn-role", labels },
      rules: [
        { apiGroups: ["longhorn.io"], resources: ["*"], verbs: ["*"] },
        {
          apiGroups: [""],
          resources: ["nodes", "pods", "persistentvolumes"],
          verbs: ["get", "list", "watch"],
        },
        { apiGroups: ["storage.k8s.io"], resources: ["storageclasses", "csidrivers"], verbs: ["*"] },
      ],
    },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRoleBinding",
      metadata: { name: "longhorn-bind", labels },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "longhorn-role" },
      subjects: [{ kind: "ServiceAccount", name: "longhorn-service-account", namespace }],
    },
    service("longhorn-backend", "longhorn-manager", 9500, "manager"),
    service("longhorn-frontend", "longhorn-ui", 80, "http"),
    service("longhorn-admission-webhook", "longhorn-manager", 9502, "admission-wh"),
    {
      apiVersion: "apps/v1",
      kind: "DaemonSet",
      metadata: meta("longhorn-manager", { app: "longhorn-manager" }),
      spec: {
        selector: { matchLabels: { app: "longhorn-manager" } },
        template: pod("longhorn-manager", "longhorn-manager", [
          { containerPort: 9500, name: "manager" },
          { containerPort: 9502, name: "admission-wh" },
        ]),
        updateStrategy: { rollingUpdate: { maxUnavailable: "100%" } },
      },
    },
    deployment("longhorn-driver-deployer", 1, "longhorn-manager", []),
    deployment("longhorn-ui", 2, "longhorn-ui", [{ containerPort: 8000, name: "http" }]),
  ];

  function service(name: string, app: string, port: number, targetPort: string) {
    return {
      apiVersion: "v1",
      kind: "Service",
      metadata: meta(name, { app }),
      spec: { type: "ClusterIP", selector: { app }, ports: [{ name: targetPort, port, targetPort }] },
    };
  }

  function deployment(name: string, replicas: number, image: string, ports: readonly object[]) {
    return {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: meta(name),
      spec: { replicas, selector: { matchLabels: { app: name } }, template: pod(name, image, ports) },
    };
  }
}

function pod(app: string, image: string, ports: readonly object[]) {
  return {
    metadata: { labels: { ...labels, app } },
    spec: {
      containers: [
        {
          name: app,
          image: `docker.io/longhornio/${image}:${version}`,
          imagePullPolicy: "IfNotPresent",
          ...(ports.length > 0 ? { ports } : {}),
          env: [{ name: "POD_NAMESPACE", valueFrom: { fieldRef: { fieldPath: "metadata.namespace" } } }],
        },
      ],
      priorityClassName: "longhorn-critical",
      serviceAccountName: "longhorn-service-account",
    },
  };
}

const storageClass = {
  kind: "StorageClass",
  apiVersion: "storage.k8s.io/v1",
  metadata: { name: "longhorn", annotations: { "storageclass.kubernetes.io/is-default-class": "true" } },
  provisioner: "driver.longhorn.io",
  allowVolumeExpansion: true,
  reclaimPolicy: "Delete",
  volumeBindingMode: "Immediate",
  parameters: {
    numberOfReplicas: "3",
    staleReplicaTimeout: "30",
    fsType: "ext4",
    dataLocality: "disabled",
    dataEngine: "v1",
  },
};

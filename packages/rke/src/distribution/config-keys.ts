/** What a key of `config.yaml` holds. A list may also be one text. */
export type KeyKind = "text" | "list" | "flag" | "number";

/** Keys of `config.yaml`: flags of the program without their dashes. */
export interface ConfigKeys {
  /** Known to servers and agents. */
  readonly agent: Readonly<Record<string, KeyKind>>;
  /** Known to servers only. */
  readonly server: Readonly<Record<string, KeyKind>>;
}

type ValueOfKind<K> = K extends "flag"
  ? boolean
  : K extends "number"
    ? number
    : K extends "list"
      ? string | readonly string[]
      : string;

type Values<T> = { readonly [key in keyof T]?: ValueOfKind<T[key]> };

/** Keys of which one part of the configuration decides elsewhere; users may not set them. */
export const decidedKeys = {
  config: "the file has its fixed place",
  "data-dir": "the directory is fixed",
  token: "the token is made and kept by this package",
  "token-file": "the token is made and kept by this package",
  "agent-token": "the token is made and kept by this package",
  "agent-token-file": "the token is made and kept by this package",
  server: "it follows from the masters",
  "cluster-init": "it follows from the masters",
  "cluster-reset": "restore the cluster by hand, then run up()",
  "cluster-reset-restore-path": "restore the cluster by hand, then run up()",
  "node-name": "it follows from the sites",
  "with-node-id": "names of nodes follow from the sites",
  "node-ip": "it is the overlay address",
  "node-external-ip": "it is the public address",
  "advertise-address": "it is the overlay address",
  "flannel-iface": "it is the overlay's interface",
  "flannel-external-ip": "pods of different sites meet over the overlay",
  "cluster-cidr": "set it with the option `podCidr`",
  "service-cidr": "set it with the option `serviceCidr`",
  "write-kubeconfig": "the file has its fixed place",
  "write-kubeconfig-mode": "it is private",
  "datastore-endpoint": "the datastore is the embedded etcd",
  "https-listen-port": "the port is fixed",
  "supervisor-port": "the port is fixed",
  "apiserver-port": "the port is fixed",
  "advertise-port": "the port is fixed",
  "disable-etcd": "each master is a member of etcd",
  "disable-apiserver": "each master serves the API",
  "disable-agent": "each master is a node",
  rootless: "nodes run as root",
  profile: "set it with the option `cis`",
  "private-registry": "set registries with the option `registries`",
} as const satisfies Readonly<Record<string, string>>;

type Decided = keyof typeof decidedKeys;

const kind = <const K extends string, const T extends KeyKind>(is: T, keys: readonly K[]) =>
  Object.fromEntries(keys.map((key) => [key, is])) as Record<K, T>;

/** Flags of both programs for every node (pkg/cli/cmds/agent.go of K3s, v1.36). */
const commonAgent = {
  ...kind("text", [
    "config",
    "data-dir",
    "token",
    "token-file",
    "server",
    "node-name",
    "image-credential-provider-bin-dir",
    "image-credential-provider-config",
    "container-runtime-endpoint",
    "default-runtime",
    "private-registry",
    "resolv-conf",
    "snapshotter",
    "bind-address",
    "pause-image",
  ]),
  ...kind("list", [
    "node-label",
    "node-taint",
    "node-ip",
    "node-external-ip",
    "node-internal-dns",
    "node-external-dns",
    "kubelet-arg",
    "kube-proxy-arg",
  ]),
  ...kind("flag", [
    "debug",
    "with-node-id",
    "disable-default-registry-endpoint",
    "nonroot-devices",
    "protect-kernel-defaults",
    "selinux",
    "enable-pprof",
  ]),
  ...kind("number", ["lb-server-port"]),
} as const;

/** Flags of both programs for servers (pkg/cli/cmds/server.go of K3s, v1.36). */
const commonServer = {
  ...kind("text", [
    "advertise-address",
    "service-node-port-range",
    "cluster-domain",
    "egress-selector-mode",
    "servicelb-namespace",
    "write-kubeconfig",
    "write-kubeconfig-mode",
    "write-kubeconfig-group",
    "agent-token",
    "agent-token-file",
    "cluster-reset-restore-path",
    "datastore-endpoint",
    "datastore-cafile",
    "datastore-certfile",
    "datastore-keyfile",
    "etcd-snapshot-name",
    "etcd-snapshot-schedule-cron",
    "etcd-snapshot-reconcile-interval",
    "etcd-snapshot-dir",
    "etcd-s3-endpoint",
    "etcd-s3-endpoint-ca",
    "etcd-s3-access-key",
    "etcd-s3-secret-key",
    "etcd-s3-session-token",
    "etcd-s3-bucket",
    "etcd-s3-bucket-lookup-type",
    "etcd-s3-region",
    "etcd-s3-folder",
    "etcd-s3-proxy",
    "etcd-s3-config-secret",
    "etcd-s3-timeout",
    "secrets-encryption-provider",
    "system-default-registry",
    "helm-job-image",
  ]),
  ...kind("list", [
    "tls-san",
    "cluster-cidr",
    "service-cidr",
    "cluster-dns",
    "kube-apiserver-arg",
    "etcd-arg",
    "kube-controller-manager-arg",
    "kube-scheduler-arg",
    "kube-cloud-controller-manager-arg",
    "helm-controller-arg",
    "disable",
  ]),
  ...kind("flag", [
    "tls-san-security",
    "cluster-reset",
    "etcd-expose-metrics",
    "etcd-disable-snapshots",
    "etcd-snapshot-compress",
    "etcd-s3",
    "etcd-s3-skip-ssl-verify",
    "etcd-s3-insecure",
    "disable-scheduler",
    "disable-cloud-controller",
    "disable-kube-proxy",
    "disable-agent",
    "disable-apiserver",
    "disable-etcd",
    "embedded-registry",
    "supervisor-metrics",
  ]),
  ...kind("number", ["etcd-snapshot-retention", "etcd-s3-retention"]),
} as const;

/** Keys of K3s (docs.k3s.io, "k3s server" and "k3s agent"). */
export const k3sKeys = {
  agent: {
    ...commonAgent,
    ...kind("text", [
      "image-service-endpoint",
      "flannel-iface",
      "flannel-conf",
      "flannel-cni-conf",
      "vpn-auth",
      "vpn-auth-file",
    ]),
    ...kind("flag", ["docker", "rootless", "prefer-bundled-bin", "disable-apiserver-lb"]),
  },
  server: {
    ...commonServer,
    ...kind("text", ["flannel-backend", "default-local-storage-path"]),
    ...kind("flag", [
      "cluster-init",
      "flannel-ipv6-masq",
      "flannel-external-ip",
      "disable-network-policy",
      "disable-helm-controller",
      "secrets-encryption",
      "kine-tls",
    ]),
    ...kind("number", ["https-listen-port", "supervisor-port", "apiserver-port", "advertise-port"]),
  },
} as const satisfies ConfigKeys;

/** Keys of RKE2 (docs.rke2.io, "Server Configuration Reference" and "Linux Agent Configuration Reference"). */
export const rke2Keys = {
  agent: {
    ...commonAgent,
    ...kind("text", [
      "kube-apiserver-image",
      "kube-controller-manager-image",
      "cloud-controller-manager-image",
      "kube-proxy-image",
      "kube-scheduler-image",
      "runtime-image",
      "etcd-image",
      "cloud-provider-name",
      "cloud-provider-config",
      "profile",
      "audit-policy-file",
      "pod-security-admission-config-file",
      "control-plane-resource-requests",
      "control-plane-resource-limits",
      "control-plane-probe-configuration",
      "kubelet-path",
    ]),
    ...kind("list", [
      "kube-apiserver-extra-mount",
      "kube-scheduler-extra-mount",
      "kube-controller-manager-extra-mount",
      "kube-proxy-extra-mount",
      "etcd-extra-mount",
      "cloud-controller-manager-extra-mount",
      "kube-apiserver-extra-env",
      "kube-scheduler-extra-env",
      "kube-controller-manager-extra-env",
      "kube-proxy-extra-env",
      "etcd-extra-env",
      "cloud-controller-manager-extra-env",
    ]),
    ...kind("flag", ["node-name-from-cloud-provider-metadata"]),
  },
  server: {
    ...commonServer,
    ...kind("list", ["cni", "ingress-controller"]),
    ...kind("flag", ["enable-servicelb"]),
  },
} as const satisfies ConfigKeys;

/** Keys of `config.yaml` that a user may set for every node of a K3s cluster. */
export type K3sAgentConfig = Omit<Values<typeof k3sKeys.agent>, Decided>;
/** Keys of `config.yaml` that a user may set for the servers of a K3s cluster. */
export type K3sServerConfig = Omit<Values<typeof k3sKeys.agent & typeof k3sKeys.server>, Decided>;
/** Keys of `config.yaml` that a user may set for every node of an RKE2 cluster. */
export type Rke2AgentConfig = Omit<Values<typeof rke2Keys.agent>, Decided>;
/** Keys of `config.yaml` that a user may set for the servers of an RKE2 cluster. */
export type Rke2ServerConfig = Omit<Values<typeof rke2Keys.agent & typeof rke2Keys.server>, Decided>;

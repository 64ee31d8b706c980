import { createHash } from "node:crypto";
import type { BundleEntry, CertificatesBundle } from "../certificates/bundle.js";
import { imagesOf } from "../images.js";
import type { ClusterFile, FileNode } from "./cluster-file.js";
import type { WantedContainer } from "./docker-client.js";

/** Containers by name, in the order in which they are started. */
export type Plan = readonly (readonly [name: string, container: WantedContainer])[];

/** Names of all containers that a node can have. */
export const containerNames = [
  "etcd",
  "kube-apiserver",
  "kube-controller-manager",
  "kube-scheduler",
  "nginx-proxy",
  "kubelet",
  "kube-proxy",
  "kube-flannel",
  "nginx-ingress-controller",
];

const binds = ["/etc/kubernetes:/etc/kubernetes:z"];

/** `etcd` of a node. */
export function etcdPlan(file: ClusterFile, node: FileNode, bundle: CertificatesBundle): Plan {
  if (!node.role.includes("etcd")) return [];
  const image = imagesOf(file.version)!.etcd;
  const address = node.internal_address;
  const command = [
    "/usr/local/bin/etcd",
    `--name=etcd-${node.hostname_override}`,
    `--advertise-client-urls=https://${address}:2379`,
    `--initial-advertise-peer-urls=https://${address}:2380`,
    "--heartbeat-interval=500",
    "--election-timeout=5000",
  ];
  return [["etcd", { image, command, binds, restart: true, environment: checksum(bundle["kube-ca"]) }]];
}

/** The control plane of a node. */
export function controlPlan(file: ClusterFile, node: FileNode, bundle: CertificatesBundle): Plan {
  if (!node.role.includes("controlplane")) return [];
  const image = imagesOf(file.version)!.kubernetes;
  const etcd = file.nodes.filter((other) => other.role.includes("etcd"));
  const servers = etcd.map((other) => `https://${other.internal_address}:2379`).join(",");
  const base = { image, binds, restart: true };
  const ca = checksum(bundle["kube-ca"]);
  return [
    [
      "kube-apiserver",
      {
        ...base,
        command: [
          "kube-apiserver",
          `--advertise-address=${node.internal_address}`,
          `--etcd-servers=${servers}`,
          `--service-cluster-ip-range=${file.serviceCidr}`,
        ],
        environment: checksum(bundle["kube-ca"], bundle["kube-apiserver"]),
      },
    ],
    ["kube-controller-manager", { ...base, command: ["kube-controller-manager"], environment: ca }],
    ["kube-scheduler", { ...base, command: ["kube-scheduler"], environment: ca }],
  ];
}

/** What every node runs to be one. */
export function workerPlan(file: ClusterFile, node: FileNode, bundle: CertificatesBundle): Plan {
  const images = imagesOf(file.version)!;
  const masters = file.nodes.filter((other) => other.role.includes("controlplane"));
  const hosts = masters.map((other) => other.internal_address).join(",");
  const roles = node.role.map((role) => [`node-role.kubernetes.io/${role}`, "true"] as const);
  const labels = Object.entries({ ...Object.fromEntries(roles), ...node.labels });
  const base = { image: images.kubernetes, binds, restart: true };
  const extra = Object.entries(file.kubeletArguments).map(([name, value]) => `--${name}=${value}`);
  const proxy = [
    "nginx-proxy",
    { image: images.tools, restart: true, environment: { CP_HOSTS: hosts } },
  ] as const;
  return [
    ...(node.role.includes("controlplane") ? [] : [proxy]),
    [
      "kubelet",
      {
        ...base,
        command: [
          "kubelet",
          `--hostname-override=${node.hostname_override}`,
          `--node-ip=${node.internal_address}`,
          `--node-labels=${labels.map(([name, value]) => `${name}=${value}`).join(",")}`,
          ...extra,
        ],
        environment: checksum(bundle["kube-ca"]),
      },
    ],
    ["kube-proxy", { ...base, command: ["kube-proxy"], environment: checksum(bundle["kube-ca"]) }],
  ];
}

/**
 * What the cluster's own DaemonSets run on a node: the pod network and, on workers, the ingress controller.
 * The emulated cluster has no scheduler, so that they are started like the rest.
 */
export function daemonSetPlan(file: ClusterFile, node: FileNode, bundle: CertificatesBundle): Plan {
  const images = imagesOf(file.version)!;
  const { flannelInterface } = file;
  const environment = { NODE_NAME: node.hostname_override, ...checksum(bundle["kube-ca"]) };
  const iface = flannelInterface === undefined ? [] : [`--iface=${flannelInterface}`];
  const flannel: WantedContainer = {
    image: images.flannel,
    command: ["/opt/bin/flanneld", "--ip-masq", "--kube-subnet-mgr", ...iface],
    environment,
    restart: true,
  };
  const hasIngress = file.ingress && node.role.includes("worker");
  const ingress: WantedContainer = { image: images.ingress, environment, restart: true };
  return [
    ["kube-flannel", flannel],
    ...(hasIngress ? ([["nginx-ingress-controller", ingress]] as const) : []),
  ];
}

/** The certificates of a node as the environment of `cert-deployer`. */
export function certificateEnvironment(node: FileNode, bundle: CertificatesBundle): Record<string, string> {
  const isMaster = node.role.includes("controlplane") || node.role.includes("etcd");
  const onWorkers = ["kube-ca", "kube-node", "kube-proxy"];
  const environment: Record<string, string> = {};
  for (const [name, entry] of Object.entries(bundle)) {
    if (!isMaster && !onWorkers.includes(name)) continue;
    environment[entry.envName] = entry.certificatePEM;
    const isPublic = name === "kube-ca" && !isMaster;
    if (!isPublic) environment[entry.keyEnvName] = entry.keyPEM;
  }
  return environment;
}

// RKE restarts a component whose certificates changed.
function checksum(...entries: readonly (BundleEntry | undefined)[]): Record<string, string> {
  const hash = createHash("sha256");
  for (const entry of entries) hash.update(entry?.certificatePEM ?? "");
  return { RKE_CERTIFICATES_CHECKSUM: hash.digest("hex") };
}

import { createHash, randomBytes } from "node:crypto";
import type { EmulatedCluster, EmulatedClusters } from "../kubernetes/kubernetes-cluster.js";
import { createAuthority, issue, type KeyPair } from "../rke/certificates/authority.js";
import type { VirtualMachine } from "../world/machines.js";
import type { World } from "../world/world.js";
import type { ConfigFile } from "./config-file.js";
import type { Flavour } from "./flavour.js";
import { type IngressController, ingressOf } from "./ingress.js";

/** One voting member of the embedded etcd. */
export interface EtcdMember {
  /** Node name and eight random characters, as the programs name their members. */
  readonly memberName: string;
  readonly address: string;
}

/** One cluster of servers: what their etcd and their certificates have in common. */
export interface DistributionCluster {
  readonly flavour: Flavour;
  readonly serverCa: KeyPair;
  readonly clientCa: KeyPair;
  /** SHA-256 of the CA certificate, as it stands in a token. */
  readonly caHash: string;
  readonly secret: string;
  readonly kubernetes: EmulatedCluster;
  /** By node name. */
  readonly members: Map<string, EtcdMember>;
  /** True while a new member is being brought up to date: etcd takes one at a time. */
  learner: boolean;
  /** Values that must be the same on all servers. */
  readonly critical: ReadonlyMap<string, string>;
  /** What its first server brought; an upgrade keeps it. */
  readonly ingress: IngressController;
  /** Interface that RKE2's CNI was given before its first start; `undefined` lets it choose. */
  cniInterface: string | undefined;
}

/** Options that servers must agree on (K3s docs, `k3s server`, Critical Configuration Values). */
const criticalKeys = [
  "cluster-cidr",
  "service-cidr",
  "cluster-dns",
  "cluster-domain",
  "disable-cloud-controller",
  "disable-kube-proxy",
  "disable-network-policy",
  "disable-helm-controller",
  "egress-selector-mode",
  "flannel-backend",
  "flannel-external-ip",
  "secrets-encryption",
  "embedded-registry",
  "agent-token",
];

export function criticalValues(config: ConfigFile): ReadonlyMap<string, string> {
  return new Map(criticalKeys.map((key) => [key, config.list(key).join(",")]));
}

/** All clusters of a sandbox, found again by their CA. */
export type DistributionClusters = ReturnType<typeof createDistributionClusters>;

export function createDistributionClusters(world: World, kubernetes: EmulatedClusters) {
  const clusters = new Map<string, DistributionCluster>();
  return {
    all: (): readonly DistributionCluster[] => [...clusters.values()],
    find: (caHash: string): DistributionCluster | undefined => clusters.get(caHash),
    async create(
      flavour: Flavour,
      version: string,
      secret: string,
      config: ConfigFile,
    ): Promise<DistributionCluster> {
      const stamp = Math.floor(world.clock.now() / 1000);
      const [serverCa, clientCa] = await Promise.all([
        createAuthority(`${flavour.name}-server-ca@${stamp}`),
        createAuthority(`${flavour.name}-client-ca@${stamp}`),
      ]);
      const caHash = hashOf(serverCa.certPem);
      const cluster: DistributionCluster = {
        flavour,
        serverCa,
        clientCa,
        caHash,
        secret: secret || randomBytes(16).toString("hex"),
        kubernetes: kubernetes.forCertificateAuthority(serverCa.certPem),
        members: new Map(),
        learner: false,
        critical: criticalValues(config),
        ingress: ingressOf(flavour, version, config),
        cniInterface: undefined,
      };
      // The servers' own controller: a server without a Node object is no member of etcd any more.
      cluster.kubernetes.onNodeDeleted((name) => cluster.members.delete(name));
      clusters.set(caHash, cluster);
      return cluster;
    },
  };
}

/** SHA-256 of a text in hexadecimal. */
export function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** An administrator's kubeconfig as a server writes it: with the address of this machine. */
export async function kubeconfigOf(cluster: DistributionCluster): Promise<string> {
  const admin = await issue(cluster.clientCa, {
    commonName: "system:admin",
    organization: "system:masters",
  });
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  return `apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: ${base64(cluster.serverCa.certPem)}
    server: https://127.0.0.1:6443
  name: default
contexts:
- context:
    cluster: default
    user: default
  name: default
current-context: default
kind: Config
preferences: {}
users:
- name: default
  user:
    client-certificate-data: ${base64(admin.certPem)}
    client-key-data: ${base64(admin.keyPem)}
`;
}

/** Whether a machine reaches a majority of the etcd members, itself included. */
export async function hasQuorum(world: World, cluster: DistributionCluster, machine: VirtualMachine) {
  const members = [...cluster.members.values()];
  const needed = Math.floor(members.length / 2) + 1;
  return new Promise<boolean>((resolve) => {
    let reached = 0;
    // Where everything happens at once, patience still takes its time.
    const patience = setTimeout(() => settle(false), etcdPatienceMs * (world.clock.scale || 1));
    const settle = (alive: boolean) => {
      clearTimeout(patience);
      resolve(alive);
    };
    const dials = members.map(async ({ address }) => {
      if (!(await canDial(machine, address, 2380))) return;
      reached += 1;
      if (reached >= needed) settle(true);
    });
    void Promise.all(dials).then(() => settle(reached >= needed));
  });
}

// How long a majority of etcd may take to answer before a request fails.
const etcdPatienceMs = 5_000;

/** Whether something answers at an address, seen from a machine. */
export async function canDial(machine: VirtualMachine, host: string, port: number): Promise<boolean> {
  try {
    const stream = await machine.dial({ host, port });
    stream.on("error", () => {}).destroy();
    return true;
  } catch {
    return false;
  }
}

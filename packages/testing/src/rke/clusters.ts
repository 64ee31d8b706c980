import type { Duplex } from "node:stream";

/** The certificates that one `kube-apiserver` process was started with. */
export interface ServingCertificates {
  /** PEM chain that it presents. */
  readonly certPem: string;
  readonly keyPem: string;
  /** Client certificates signed by this CA are let in. */
  readonly clientCaPem: string;
}

/** One taint of a node. */
export interface NodeTaint {
  readonly key: string;
  readonly value: string;
  readonly effect: string;
}

/** What a `kubelet` says of its node. */
export interface RegisteredNode {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly internalIP: string;
  readonly externalIP?: string;
  /** For example `v1.32.9`. */
  readonly version: string;
  readonly ready: boolean;
  /** `controlplane`, `etcd`, `worker`: shown from the `node-role.kubernetes.io/<role>=true` labels. */
  readonly roles: readonly string[];
  /** Taints that the kubelet registers its node with; they are not touched later. Default: those that RKE gives the roles. */
  readonly taints?: readonly NodeTaint[];
  /** Default Docker, as RKE has it. */
  readonly containerRuntime?: string;
}

/**
 * One emulated Kubernetes cluster: the content of its etcd. It is the same one for every API server of
 * the cluster, and it outlives all of them.
 */
export interface KubernetesCluster {
  /**
   * Serves the Kubernetes API over TLS on a connection that a machine accepted on 6443. Returns at once;
   * the stream is destroyed when the handshake or the client certificate is refused.
   */
  accept(stream: Duplex, serving: ServingCertificates): void;
  /** Makes or updates the Node object. One that is equal already changes nothing. */
  registerNode(node: RegisteredNode): void;
  /** Sets the node's `Ready` condition. A node that does not exist is ignored. */
  setNodeReady(name: string, ready: boolean): void;
  /** Takes the former taints off a node and puts these on; others stay. A node that does not exist is ignored. */
  syncTaints(name: string, former: readonly NodeTaint[], taints: readonly NodeTaint[]): void;
  /** Deletes the Node object. One that does not exist is fine. */
  removeNode(name: string): void;
  /** Makes the IngressClass that an ingress controller brings. One that is there stays as it is. */
  ensureIngressClass(name: string, controller: string): void;
  /** Defines HelmChart, as the Helm controller of RKE2 and k3s does when it starts. */
  ensureHelmController(): void;
  /** Host names of all rules of all Ingress objects. */
  ingressHosts(): string[];
  /** All that etcd holds, as a snapshot of it. */
  dump(): string;
  /** Puts a snapshot's content in the place of what is there. */
  load(snapshot: string): void;
}

/** The clusters of one sandbox, by the CA that their nodes trust. */
export interface KubernetesClusters {
  /** The cluster of a CA; a CA that was not seen before makes a new, empty one. */
  forCertificateAuthority(caPem: string): KubernetesCluster;
  /** The cluster of a CA gets another one; the old one still names it. */
  renewCertificateAuthority(oldPem: string, newPem: string): void;
}

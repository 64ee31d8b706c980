/** What differs between the two distributions, as their programs have it. */
export interface Flavour {
  readonly name: "k3s" | "rke2";
  /** Versions that were released, oldest first. */
  readonly versions: readonly string[];
  /** Port on which servers and agents join. */
  readonly supervisorPort: number;
  readonly serverUnit: string;
  readonly agentUnit: string;
  readonly configFile: string;
  readonly dataDirectory: string;
  readonly kubeconfigFile: string;
  readonly program: string;
  /** Flags that the program knows, which are the keys of its configuration file. */
  readonly serverKeys: ReadonlySet<string>;
  readonly agentKeys: ReadonlySet<string>;
}

const words = (text: string) => text.split(/\s+/).filter(Boolean);

/** Flags of `k3s agent` (pkg/cli/cmds/agent.go, v1.35). */
const k3sAgent = words(`config debug v vmodule log alsologtostderr data-dir token token-file server node-name
  with-node-id node-label node-taint image-credential-provider-bin-dir image-credential-provider-config docker
  container-runtime-endpoint disable-default-registry-endpoint nonroot-devices image-service-endpoint pause-image
  default-runtime disable-apiserver-lb private-registry node-ip node-external-ip node-internal-dns
  node-external-dns resolv-conf flannel-iface flannel-conf flannel-cni-conf vpn-auth vpn-auth-file kubelet-arg
  kube-proxy-arg rootless prefer-bundled-bin protect-kernel-defaults snapshotter selinux lb-server-port
  airgap-extra-registry bind-address enable-pprof`);

/** Flags of `k3s server` besides those of the agent (pkg/cli/cmds/server.go, v1.35). */
const k3sServer =
  words(`https-listen-port supervisor-port apiserver-port apiserver-bind-address advertise-address
  advertise-port tls-san tls-san-security disable-agent cluster-cidr service-cidr cluster-init cluster-reset
  cluster-reset-restore-path cluster-dns cluster-domain flannel-backend write-kubeconfig write-kubeconfig-mode
  write-kubeconfig-group write-kubeconfig-name kube-apiserver-arg etcd-arg kube-scheduler-arg
  kube-controller-manager-arg kube-cloud-controller-manager-arg datastore-endpoint datastore-cafile
  datastore-certfile datastore-keyfile kine-tls default-local-storage-path disable disable-scheduler
  disable-cloud-controller disable-network-policy disable-kube-proxy disable-apiserver
  disable-controller-manager disable-etcd etcd-disable-snapshots etcd-snapshot-schedule-cron
  etcd-snapshot-reconcile-interval etcd-snapshot-retention etcd-snapshot-dir etcd-snapshot-name
  etcd-snapshot-compress embedded-registry supervisor-metrics system-default-registry flannel-ipv6-masq
  flannel-external-ip egress-selector-mode agent-token agent-token-file secrets-encryption
  secrets-encryption-provider service-node-port-range etcd-expose-metrics etcd-s3 etcd-s3-access-key
  etcd-s3-bucket etcd-s3-bucket-lookup-type etcd-s3-config-secret etcd-s3-endpoint etcd-s3-endpoint-ca
  etcd-s3-folder etcd-s3-insecure etcd-s3-proxy etcd-s3-region etcd-s3-secret-key etcd-s3-session-token
  etcd-s3-skip-ssl-verify etcd-s3-timeout etcd-s3-retention disable-helm-controller helm-job-image
  helm-controller-arg servicelb-namespace`);

/** Flags that RKE2 drops of K3s's (pkg/cli/cmds/server.go of RKE2, `dropFlag`). */
const droppedByRke2 = new Set(
  words(`https-listen-port supervisor-port apiserver-port apiserver-bind-address advertise-port cluster-init
  flannel-backend vpn-auth vpn-auth-file kine-tls default-local-storage-path disable-network-policy docker
  image-service-endpoint flannel-iface flannel-conf flannel-cni-conf flannel-ipv6-masq flannel-external-ip
  rootless prefer-bundled-bin disable-helm-controller disable-apiserver-lb`),
);

/** Flags that only RKE2 has. */
const rke2Common = words(`kube-apiserver-image kube-controller-manager-image cloud-controller-manager-image
  kube-proxy-image kube-scheduler-image pause-image runtime-image etcd-image cloud-provider-name
  cloud-provider-config node-name-from-cloud-provider-metadata profile audit-policy-file
  pod-security-admission-config-file control-plane-resource-requests control-plane-resource-limits
  control-plane-probe-configuration kube-apiserver-extra-mount kube-scheduler-extra-mount
  kube-controller-manager-extra-mount kube-proxy-extra-mount etcd-extra-mount cloud-controller-manager-extra-mount
  kube-apiserver-extra-env kube-scheduler-extra-env kube-controller-manager-extra-env kube-proxy-extra-env
  etcd-extra-env cloud-controller-manager-extra-env kubelet-path`);

const kept = (keys: readonly string[]) => keys.filter((key) => !droppedByRke2.has(key));

export const k3s: Flavour = {
  name: "k3s",
  versions: ["v1.33.4+k3s1", "v1.34.6+k3s1", "v1.35.5+k3s1", "v1.35.6+k3s1", "v1.36.2+k3s1"],
  supervisorPort: 6443,
  serverUnit: "k3s",
  agentUnit: "k3s-agent",
  configFile: "/etc/rancher/k3s/config.yaml",
  dataDirectory: "/var/lib/rancher/k3s",
  kubeconfigFile: "/etc/rancher/k3s/k3s.yaml",
  program: "/usr/local/bin/k3s",
  serverKeys: new Set([...k3sAgent, ...k3sServer]),
  agentKeys: new Set(k3sAgent),
};

export const rke2: Flavour = {
  name: "rke2",
  versions: ["v1.33.4+rke2r1", "v1.34.6+rke2r1", "v1.35.6+rke2r1", "v1.35.7+rke2r1", "v1.36.3+rke2r1"],
  supervisorPort: 9345,
  serverUnit: "rke2-server",
  agentUnit: "rke2-agent",
  configFile: "/etc/rancher/rke2/config.yaml",
  dataDirectory: "/var/lib/rancher/rke2",
  kubeconfigFile: "/etc/rancher/rke2/rke2.yaml",
  program: "/usr/local/bin/rke2",
  serverKeys: new Set([
    ...kept([...k3sAgent, ...k3sServer]),
    ...rke2Common,
    "cni",
    "ingress-controller",
    "enable-servicelb",
    "prime",
  ]),
  agentKeys: new Set([...kept(k3sAgent), ...rke2Common]),
};

export const flavours: readonly Flavour[] = [k3s, rke2];

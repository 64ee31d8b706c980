import type { ClusterEngine } from "@multicloud/core/plugin";
import { type K3sAgentConfig, type K3sServerConfig, k3sKeys } from "./distribution/config-keys.js";
import { type Distribution, pathsOf } from "./distribution/distribution.js";
import { createDistributionEngine } from "./distribution/engine.js";
import { auditPolicy, podSecurity } from "./distribution/hardening.js";
import type { DistributionOptions } from "./distribution/options.js";

/** Options of {@link k3s}. Keys of `agent`, `server` and `nodes` are those of `config.yaml`. */
export type K3sOptions = DistributionOptions<K3sServerConfig, K3sAgentConfig>;

const paths = pathsOf({ name: "k3s" });

/** K3s as this package installs and runs it. */
export const k3sDistribution: Distribution = {
  name: "k3s",
  title: "K3s",
  defaultVersion: "v1.35.6+k3s1",
  supervisorPort: 6443,
  serverUnit: "k3s",
  agentUnit: "k3s-agent",
  uninstallers: ["/usr/local/bin/k3s-uninstall.sh", "/usr/local/bin/k3s-agent-uninstall.sh"],
  program: "/usr/local/bin/k3s",
  releases: "https://github.com/k3s-io/k3s/releases/download",
  scripts: "https://raw.githubusercontent.com/k3s-io/k3s",
  files: (architecture) => ({
    main: architecture === "amd64" ? "k3s" : `k3s-${architecture}`,
    images: ["tar.zst", "tar.gz", "tar"].map((kind) => `k3s-airgap-images-${architecture}.${kind}`),
  }),
  installCommand: (role, architecture) =>
    [
      `install -m 0755 -o root -g root "$stage/${architecture === "amd64" ? "k3s" : `k3s-${architecture}`}" /usr/local/bin/k3s.multicloud.new`,
      "mv -f /usr/local/bin/k3s.multicloud.new /usr/local/bin/k3s",
      `for images in "$stage"/k3s-airgap-images-${architecture}.tar*; do`,
      `  if [ -f "$images" ]; then mkdir -p ${paths.images}; cp "$images" ${paths.images}/; fi`,
      "done",
      `INSTALL_K3S_SKIP_DOWNLOAD=true INSTALL_K3S_SKIP_SELINUX_RPM=true INSTALL_K3S_SKIP_ENABLE=true INSTALL_K3S_SKIP_START=true INSTALL_K3S_BIN_DIR=/usr/local/bin INSTALL_K3S_EXEC=${role} sh "$stage/install.sh" 1>&2`,
    ].join("\n"),
  keys: k3sKeys,
  interfaceConfig: (interfaceName) => ({ "flannel-iface": interfaceName }),
  interfaceManifests: () => ({}),
  beginConfig: { "cluster-init": true },
  hardened: {
    // docs.k3s.io, "CIS Hardening Guide".
    agent: {
      "protect-kernel-defaults": true,
      "kubelet-arg": [
        "streaming-connection-idle-timeout=5m",
        "tls-cipher-suites=TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305,TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305,TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
      ],
    },
    server: {
      "secrets-encryption": true,
      "kube-apiserver-arg": [
        "enable-admission-plugins=NodeRestriction,EventRateLimit",
        `admission-control-config-file=${paths.data}/server/psa.yaml`,
        `audit-log-path=${paths.data}/server/logs/audit.log`,
        `audit-policy-file=${paths.data}/server/audit.yaml`,
        "audit-log-maxage=30",
        "audit-log-maxbackup=10",
        "audit-log-maxsize=100",
      ],
      "kube-controller-manager-arg": ["terminated-pod-gc-threshold=10"],
    },
    files: {
      [`${paths.data}/server/psa.yaml`]: podSecurity,
      [`${paths.data}/server/audit.yaml`]: auditPolicy,
      [`${paths.data}/server/logs/.keep`]: "",
    },
    etcdUser: false,
  },
};

/**
 * K3s as the engine of a cluster: installs a pinned release on the nodes over SSH, with embedded etcd on the
 * masters, everything between nodes over the overlay. Needs no program on this machine.
 */
export function k3s(options: K3sOptions = {}): ClusterEngine {
  return createDistributionEngine(k3sDistribution, options);
}

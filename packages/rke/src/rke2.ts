import type { ClusterEngine } from "@multicloud/core/plugin";
import { type Rke2AgentConfig, type Rke2ServerConfig, rke2Keys } from "./distribution/config-keys.js";
import { type Distribution, pathsOf } from "./distribution/distribution.js";
import { createDistributionEngine } from "./distribution/engine.js";
import type { DistributionOptions } from "./distribution/options.js";

/** Options of {@link rke2}. Keys of `agent`, `server` and `nodes` are those of `config.yaml`. */
export type Rke2Options = DistributionOptions<Rke2ServerConfig, Rke2AgentConfig>;

const paths = pathsOf({ name: "rke2" });

/** RKE2 as this package installs and runs it. */
export const rke2Distribution: Distribution = {
  name: "rke2",
  title: "RKE2",
  defaultVersion: "v1.35.7+rke2r1",
  supervisorPort: 9345,
  serverUnit: "rke2-server",
  agentUnit: "rke2-agent",
  uninstallers: ["/usr/local/bin/rke2-uninstall.sh"],
  program: "/usr/local/bin/rke2",
  releases: "https://github.com/rancher/rke2/releases/download",
  scripts: "https://raw.githubusercontent.com/rancher/rke2",
  files: (architecture) => ({
    main: `rke2.linux-${architecture}.tar.gz`,
    images: ["tar.zst", "tar.gz"].map((kind) => `rke2-images.linux-${architecture}.${kind}`),
  }),
  installCommand: (role) =>
    `INSTALL_RKE2_ARTIFACT_PATH="$stage" INSTALL_RKE2_METHOD=tar INSTALL_RKE2_TAR_PREFIX=/usr/local INSTALL_RKE2_AGENT_IMAGES_DIR=${paths.images} INSTALL_RKE2_TYPE=${role} sh "$stage/install.sh" 1>&2`,
  keys: rke2Keys,
  interfaceConfig: () => ({}),
  // RKE2 has no key for the interface; its CNIs are Helm charts (docs.rke2.io, "Basic Network Options").
  interfaceManifests: (interfaceName, cni) => {
    const values: Readonly<Record<string, string>> = {
      canal: `flannel:\n  iface: "${interfaceName}"\n`,
      flannel: `flannel:\n  args:\n  - "--ip-masq"\n  - "--kube-subnet-mgr"\n  - "--iface=${interfaceName}"\n`,
    };
    const content = values[cni];
    if (content === undefined) return {};
    const lines = content.trimEnd().split("\n");
    return {
      [`rke2-${cni}-multicloud.yaml`]: [
        "apiVersion: helm.cattle.io/v1",
        "kind: HelmChartConfig",
        "metadata:",
        `  name: rke2-${cni}`,
        "  namespace: kube-system",
        "spec:",
        "  valuesContent: |-",
        ...lines.map((line) => `    ${line}`),
        "",
      ].join("\n"),
    };
  },
  beginConfig: {},
  hardened: {
    // docs.rke2.io, "CIS Hardening Guide": the profile sets the rest by itself.
    agent: { profile: "cis" },
    server: {},
    files: {},
    etcdUser: true,
  },
};

/**
 * RKE2 as the engine of a cluster: installs a pinned release on the nodes over SSH, with embedded etcd on the
 * masters, everything between nodes over the overlay. Needs no program on this machine.
 */
export function rke2(options: Rke2Options = {}): ClusterEngine {
  return createDistributionEngine(rke2Distribution, options);
}

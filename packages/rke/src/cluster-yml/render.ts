import type { EngineNode } from "@multicloud/core/plugin";
import { stringify } from "yaml";
import { deriveBastion } from "../bastion.js";
import { addressIn } from "../cidr.js";
import type { Settings } from "../options.js";
import { mergeOver } from "./merge.js";
import type { ClusterYml, ClusterYmlNode } from "./schema.js";

/** Where Kubernetes looks for volume plug-ins; Longhorn needs it mounted into RKE's kubelet container. */
export const volumePluginDirectory = "/usr/libexec/kubernetes/kubelet-plugins/volume/exec";

type RenderedNode = Pick<
  EngineNode,
  "name" | "site" | "role" | "labels" | "jump" | "address" | "port" | "user"
> &
  Pick<EngineNode, "publicAddress" | "overlayAddress" | "overlayInterface">;

/** What a `cluster.yml` is made from. */
export interface ClusterYmlInput {
  readonly cluster: string;
  readonly privateKeyFile: string;
  /** DNS name that leads to all masters, for the API's certificate. */
  readonly apiName?: string | undefined;
  readonly nodes: readonly RenderedNode[];
  readonly settings: Settings;
}

/** The `cluster.yml` of these nodes. The same input in another order gives the same document. */
export function clusterYmlOf(input: ClusterYmlInput): ClusterYml {
  const { cluster, privateKeyFile, apiName, nodes, settings } = input;
  const ordered = inOrder(nodes);
  const { version, podCidr, serviceCidr, upstreamNameservers, addonsInclude } = settings;
  const { nodes: nodeConfigs, ...config } = settings.config ?? {};
  const bastion = settings.bastion ?? deriveBastion(ordered);
  const dnsServer = addressIn(serviceCidr, 10);
  const masters = ordered.filter((node) => node.role === "master");
  const ours: ClusterYml = {
    cluster_name: cluster,
    kubernetes_version: version,
    ssh_key_path: privateKeyFile,
    nodes: ordered.map((node) => {
      const own = nodeConfigs?.find((entry) => entry.hostname_override === node.name);
      return mergeOver(nodeOf(node), own);
    }),
    ...(bastion && {
      bastion_host: {
        address: bastion.address,
        port: String(bastion.port ?? 22),
        user: bastion.user,
        ssh_key_path: bastion.privateKeyFile ?? privateKeyFile,
      },
    }),
    network: networkOf(ordered[0]?.overlayInterface, config.network?.plugin ?? "flannel"),
    services: {
      "kube-api": { service_cluster_ip_range: serviceCidr },
      "kube-controller": { cluster_cidr: podCidr, service_cluster_ip_range: serviceCidr },
      kubelet: {
        ...(dnsServer !== undefined && { cluster_dns_server: dnsServer }),
        extra_args: { "volume-plugin-dir": volumePluginDirectory },
        extra_binds: [`${volumePluginDirectory}:${volumePluginDirectory}`],
      },
    },
    dns: {
      provider: "coredns",
      ...(upstreamNameservers?.length && { upstreamnameservers: upstreamNameservers }),
    },
    authentication: { strategy: "x509", sans: sansOf(masters, apiName) },
    ...(addonsInclude.length > 0 && { addons_include: addonsInclude }),
  };
  return mergeOver(ours, config);
}

function nodeOf(node: RenderedNode): ClusterYmlNode {
  return {
    address: node.address,
    port: String(node.port),
    internal_address: node.overlayAddress,
    hostname_override: node.name,
    user: node.user,
    role: node.role === "master" ? ["controlplane", "etcd"] : ["worker"],
    labels: Object.fromEntries(Object.entries(node.labels).sort(([one], [other]) => (one < other ? -1 : 1))),
  };
}

// flannel and canal each have their own option for the interface; the other plugins find theirs alone.
function networkOf(overlayInterface: string | undefined, plugin: string): NonNullable<ClusterYml["network"]> {
  const option = { flannel: "flannel_iface", canal: "canal_iface" }[plugin];
  return {
    plugin: plugin as NonNullable<NonNullable<ClusterYml["network"]>["plugin"]>,
    ...(option && overlayInterface !== undefined && { options: { [option]: overlayInterface } }),
  };
}

/** Every name and address at which somebody may reach the API of any master. */
function sansOf(masters: readonly RenderedNode[], apiName: string | undefined): string[] {
  const addresses = masters.flatMap(({ publicAddress, overlayAddress }) => [publicAddress, overlayAddress]);
  return [...new Set([apiName, ...addresses].filter((name) => name !== undefined))];
}

/** Masters first, then by name with numbers as numbers: RKE takes the first one for its kubeconfig. */
export function inOrder<N extends { readonly role: string; readonly name: string }>(
  nodes: readonly N[],
): readonly N[] {
  const compare = new Intl.Collator("en", { numeric: true }).compare;
  return [...nodes].sort((one, other) =>
    one.role === other.role ? compare(one.name, other.name) : one.role === "master" ? -1 : 1,
  );
}

/**
 * The document as text. RKE reads it with a YAML 1.1 parser, to which `no`, `1:20` or `012` are not
 * strings, so every string is quoted.
 */
export function renderClusterYml(document: ClusterYml): string {
  return stringify(document, {
    version: "1.1",
    defaultStringType: "QUOTE_DOUBLE",
    defaultKeyType: "PLAIN",
    lineWidth: 0,
    aliasDuplicateObjects: false,
  });
}

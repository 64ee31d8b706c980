import { readFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { parse } from "yaml";
import type { NodeTaint } from "../clusters.js";
import { imagesOf, knownVersions } from "../images.js";
import { Fatal } from "./run.js";

/** One node as RKE reads it, defaults filled in. */
export interface FileNode {
  readonly address: string;
  readonly port: string;
  readonly internal_address: string;
  readonly hostname_override: string;
  readonly user: string;
  readonly role: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly NodeTaint[];
  readonly ssh_key_path: string;
}

/** What the emulated RKE takes from a `cluster.yml`; every other key is dropped in silence, as by the real one. */
export interface ClusterFile {
  readonly nodes: readonly FileNode[];
  readonly version: string;
  readonly clusterName: string;
  readonly flannelInterface: string | undefined;
  readonly serviceCidr: string;
  readonly sans: readonly string[];
  readonly bastion: Bastion | undefined;
  readonly ingress: boolean;
  readonly addonsInclude: readonly string[];
  readonly kubeletArguments: Readonly<Record<string, string>>;
  /** Where snapshots are uploaded to besides the nodes. */
  readonly s3: S3Target | undefined;
}

/** `services.etcd.backup_config.s3backupconfig`. */
export interface S3Target {
  readonly endpoint: string;
  readonly bucket: string;
  readonly folder: string;
  readonly accessKey: string;
  readonly secretKey: string;
}

export interface Bastion {
  readonly address: string;
  readonly port: string;
  readonly user: string;
  readonly ssh_key_path: string;
}

/** Names of the files that belong to a configuration file. */
export function filesOf(cwd: string, config: string): { config: string; state: string; kubeconfig: string } {
  const path = resolve(cwd, config);
  const name = basename(path);
  return {
    config: path,
    state: join(dirname(path), `${name.replace(/\.[^.]+$/, "")}.rkestate`),
    kubeconfig: join(dirname(path), `kube_config_${name}`),
  };
}

/** Reads and validates a configuration file as RKE does. */
export async function readClusterFile(path: string): Promise<ClusterFile> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw new Fatal(
      `failed to resolve cluster file: Can not find cluster configuration file: ${(error as Error).message}`,
    );
  }
  let document: unknown;
  try {
    document = parse(text, { version: "1.1" });
  } catch (error) {
    throw new Fatal(`Failed to parse cluster config: yaml: ${(error as Error).message.split("\n")[0]}`);
  }
  return validate(mapping(document));
}

type Mapping = Readonly<Record<string, unknown>>;

function validate(document: Mapping): ClusterFile {
  const network = mapping(document.network);
  const services = mapping(document.services);
  const version = text(document.kubernetes_version) ?? knownVersions.at(-1)!;
  if (!imagesOf(version)) {
    throw new Fatal(
      `Failed to validate cluster: ${version} is an unsupported Kubernetes version and system images are not populated: etcd`,
    );
  }
  const sshKeyPath = text(document.ssh_key_path) ?? "~/.ssh/id_rsa";
  const nodes = list(document.nodes).map((node, index) => readNode(mapping(node), index, sshKeyPath));
  refuseDuplicates(nodes);
  const authentication = mapping(document.authentication);
  const strategy = text(authentication.strategy) ?? "x509";
  if (!strategy.split("|").includes("x509")) {
    throw new Fatal("Failed to validate cluster: Authentication strategy must contain [x509]");
  }
  const plugin = text(network.plugin) ?? "canal";
  if (plugin === "flannel" && network.mtu !== undefined && network.mtu !== 0) {
    throw new Fatal(
      `Failed to validate cluster: Network plugin [${plugin}] does not support configuring MTU`,
    );
  }
  const ingress = text(mapping(document.ingress).provider) ?? "nginx";
  if (ingress !== "nginx" && ingress !== "none") {
    throw new Fatal(`Failed to validate cluster: Ingress provider ${ingress} is incorrect`);
  }
  if (!nodes.some((node) => node.role.includes("etcd"))) {
    throw new Fatal(
      "Failed to validate cluster: Cluster must have at least one etcd plane host: please specify one or more etcd in cluster config",
    );
  }
  const bastion = mapping(document.bastion_host);
  return {
    nodes,
    version,
    clusterName: text(document.cluster_name) ?? "local",
    flannelInterface:
      text(mapping(network.options).flannel_iface) ?? text(mapping(network.flannel_network_provider).iface),
    serviceCidr: text(mapping(services["kube-api"]).service_cluster_ip_range) ?? "10.43.0.0/16",
    sans: list(authentication.sans).map(String),
    bastion: text(bastion.address)
      ? {
          address: text(bastion.address) ?? "",
          port: text(bastion.port) ?? "22",
          user: text(bastion.user) ?? "",
          ssh_key_path: text(bastion.ssh_key_path) ?? sshKeyPath,
        }
      : undefined,
    ingress: ingress === "nginx",
    addonsInclude: list(document.addons_include).map(String),
    s3: s3TargetOf(mapping(mapping(mapping(services.etcd).backup_config).s3backupconfig)),
    kubeletArguments: mapping(mapping(services.kubelet).extra_args) as Readonly<Record<string, string>>,
  };
}

function readNode(node: Mapping, index: number, sshKeyPath: string): FileNode {
  const address = text(node.address) ?? "";
  const host = index + 1;
  if (address === "")
    throw new Fatal(`Failed to validate cluster: Address for host (${host}) is not provided`);
  const user = text(node.user) ?? "";
  if (user === "") throw new Fatal(`Failed to validate cluster: User for host (${host}) is not provided`);
  const role = list(node.role).map(String);
  if (role.length === 0)
    throw new Fatal(`Failed to validate cluster: Role for host (${host}) is not provided`);
  for (const name of role) {
    if (["etcd", "controlplane", "worker"].includes(name)) continue;
    throw new Fatal(`Failed to validate cluster: Role [${name}] for host (${host}) is not recognized`);
  }
  const hostname = (text(node.hostname_override) ?? address).toLowerCase();
  if (!/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(hostname) || hostname.length > 253) {
    throw new Fatal(
      `Failed to validate cluster: Hostname_override [${hostname}] for host (${host}) is not valid: a DNS-1123 subdomain must consist of lower case alphanumeric characters, '-' or '.'`,
    );
  }
  return {
    address,
    port: text(node.port) ?? "22",
    internal_address: text(node.internal_address) ?? address,
    hostname_override: hostname,
    user,
    role,
    labels: mapping(node.labels) as Readonly<Record<string, string>>,
    taints: list(node.taints).map((entry) => {
      const { key, value, effect } = mapping(entry);
      return { key: text(key) ?? "", value: text(value) ?? "", effect: text(effect) ?? "" };
    }),
    ssh_key_path: text(node.ssh_key_path) ?? sshKeyPath,
  };
}

function s3TargetOf(s3: Mapping): S3Target | undefined {
  if (Object.keys(s3).length === 0) return undefined;
  return {
    endpoint: text(s3.endpoint) ?? "s3.amazonaws.com",
    bucket: text(s3.bucket_name) ?? "",
    folder: text(s3.folder) ?? "",
    accessKey: text(s3.access_key) ?? "",
    secretKey: text(s3.secret_key) ?? "",
  };
}

function refuseDuplicates(nodes: readonly FileNode[]): void {
  for (const key of ["address", "hostname_override"] as const) {
    const seen = new Set<string>();
    for (const node of nodes) {
      if (seen.has(node[key])) {
        throw new Fatal(`Failed to validate cluster: Cluster can't have duplicate node: ${node[key]}`);
      }
      seen.add(node[key]);
    }
  }
}

function mapping(value: unknown): Mapping {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Mapping) : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

// Go's YAML parser puts any scalar into a string field.
function text(value: unknown): string | undefined {
  if (typeof value === "string") return value === "" ? undefined : value;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : undefined;
}

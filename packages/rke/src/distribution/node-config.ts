import type { EngineNode } from "@multicloud/core/plugin";
import { stringify } from "yaml";
import { type Distribution, pathsOf, type ServiceRole } from "./distribution.js";
import type { EtcdTiming } from "./etcd-timing.js";
import type { ConfigMap, ConfigValue, DistributionSettings } from "./options.js";

/** What decides the configuration of a node besides the node itself. */
export interface ConfigParts {
  readonly distribution: Distribution;
  readonly settings: DistributionSettings;
  readonly cluster: string;
  /** All masters, in the stable order. */
  readonly masters: readonly EngineNode[];
  /** DNS name of the API, when it has one. */
  readonly apiName: string | undefined;
  /** Whether there are workers, so that masters keep to themselves. */
  readonly hasWorkers: boolean;
  readonly etcd: EtcdTiming;
}

/** Label that says which cluster of this package a Node object belongs to. */
export const clusterLabel = "multicloud/cluster";

/**
 * Keys of a kubelet's own labels are limited: of the reserved domains it may set only these, and any other
 * is set on the Node object (kubelet, `--node-labels`).
 */
const kubeletMaySet =
  /^(?!([^/]*\.)?(kubernetes|k8s)\.io\/)|^topology\.kubernetes\.io\/(region|zone)$|^([^/]*\.)?(node|kubelet)\.kubernetes\.io\//;

/** The labels that a node must have. */
export function labelsOf(cluster: string, node: EngineNode): Readonly<Record<string, string>> {
  return { ...node.labels, [clusterLabel]: cluster };
}

export const roleOf = (node: Pick<EngineNode, "role">): ServiceRole =>
  node.role === "master" ? "server" : "agent";

/** Where a node joins: a running server's supervisor over the overlay. */
export function joinUrl(distribution: Distribution, address: string): string {
  return `https://${inUrl(address)}:${distribution.supervisorPort}`;
}

/** An address as it stands in a URL. */
export const inUrl = (address: string) => (address.includes(":") ? `[${address}]` : address);

/**
 * The `config.yaml` of one node.
 *
 * @param join URL of a server; `undefined` for the first server of a new cluster
 */
export function nodeConfig(parts: ConfigParts, node: EngineNode, join: string | undefined): ConfigMap {
  const { distribution, settings, cluster } = parts;
  const isServer = node.role === "master";
  const labels = Object.entries(labelsOf(cluster, node))
    .filter(([key]) => kubeletMaySet.test(key))
    .map(([key, value]) => `${key}=${value}`)
    .sort();
  const ours: ConfigMap = {
    ...(join === undefined ? distribution.beginConfig : { server: join }),
    "token-file": pathsOf(distribution).token,
    "node-name": node.name,
    "node-ip": node.overlayAddress,
    ...(node.publicAddress === undefined ? {} : { "node-external-ip": node.publicAddress }),
    "node-label": labels,
    ...distribution.interfaceConfig(node.overlayInterface),
    ...(isServer ? serverConfig(parts, node) : {}),
    ...(settings.cis ? distribution.hardened.agent : {}),
    ...(settings.cis && isServer ? distribution.hardened.server : {}),
  };
  const own = settings.nodes[node.name] ?? {};
  return [settings.agent, ...(isServer ? [settings.server] : []), own].reduce(mergeConfig, ours);
}

function serverConfig(parts: ConfigParts, node: EngineNode): ConfigMap {
  const { settings, masters, hasWorkers, etcd, apiName } = parts;
  return {
    "advertise-address": node.overlayAddress,
    "tls-san": certificateNames(apiName, masters),
    "cluster-cidr": settings.podCidr,
    "service-cidr": settings.serviceCidr,
    "write-kubeconfig-mode": "0600",
    // Applications run on workers, when there are any.
    ...(hasWorkers ? { "node-taint": ["node-role.kubernetes.io/control-plane=true:NoSchedule"] } : {}),
    "etcd-arg": etcdArguments(settings, etcd),
  };
}

/** Every name that the API can be asked by: all masters', so that each can stand in for any other. */
function certificateNames(apiName: string | undefined, masters: readonly EngineNode[]): string[] {
  const names = masters.flatMap(({ overlayAddress, publicAddress, address }) => [
    overlayAddress,
    ...(publicAddress === undefined ? [] : [publicAddress]),
    address,
  ]);
  return [...new Set([...(apiName === undefined ? [] : [apiName]), ...names])];
}

// What the user says of these two counts; etcd takes the last of a repeated flag, but two say nothing to a reader.
function etcdArguments(settings: DistributionSettings, etcd: EtcdTiming): string[] {
  const given = [settings.agent["etcd-arg"], settings.server["etcd-arg"]].flatMap((value) => value ?? []);
  return [`heartbeat-interval=${etcd.heartbeatMs}`, `election-timeout=${etcd.electionMs}`].filter(
    (argument) => !given.some((one) => String(one).startsWith(`${argument.split("=")[0]}=`)),
  );
}

/** Lists grow, everything else is replaced. */
function mergeConfig(ours: ConfigMap, given: ConfigMap): ConfigMap {
  const merged: Record<string, ConfigValue> = { ...ours };
  for (const [key, value] of Object.entries(given)) {
    if (value === undefined) continue;
    const present = merged[key];
    merged[key] = Array.isArray(present) ? [...present, ...[value].flat().map(String)] : value;
  }
  return merged;
}

/** The document as the programs read it; every text is quoted, for they read YAML 1.1. */
export function renderConfig(config: ConfigMap): string {
  return stringify(config, { defaultStringType: "QUOTE_DOUBLE", defaultKeyType: "PLAIN", lineWidth: 0 });
}

/** Keys that are read at the first start only: another value needs no restart. */
const readOnce = new Set(["server", "cluster-init"]);

/** The part of a configuration that a running service has to be restarted for. */
export function effectiveConfig(config: ConfigMap): ConfigMap {
  return Object.fromEntries(Object.entries(config).filter(([key]) => !readOnce.has(key)));
}

/** Files of a node besides configuration and token, by path. All are private. */
export function nodeFiles(parts: ConfigParts, node: EngineNode): Readonly<Record<string, string>> {
  const { distribution, settings } = parts;
  const paths = pathsOf(distribution);
  const files: Record<string, string> = {};
  if (settings.registries !== undefined) files[paths.registries] = stringify(settings.registries);
  if (node.role !== "master") return files;
  const cni = [settings.server.cni ?? "canal"].flat().map(String).at(-1) ?? "canal";
  const manifests = {
    ...distribution.interfaceManifests(node.overlayInterface, cni),
    ...settings.manifests,
  };
  for (const [name, text] of Object.entries(manifests)) files[`${paths.manifests}/${name}`] = text;
  if (settings.cis) Object.assign(files, distribution.hardened.files);
  return files;
}

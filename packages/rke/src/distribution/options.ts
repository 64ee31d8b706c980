import type { Distribution } from "./distribution.js";

/** Any value of a `config.yaml`. */
export type ConfigValue = string | number | boolean | readonly string[];
export type ConfigMap = Readonly<Record<string, ConfigValue>>;

/** Options of `k3s()` and `rke2()`. */
export interface DistributionOptions<Server = object, Agent = object> {
  /** The release to install on every node, exactly. Raising it upgrades the cluster, one minor version at a time. */
  readonly version?: string;
  /** Range of the pods' addresses. Default `10.42.0.0/16`. */
  readonly podCidr?: string;
  /** Range of the services' addresses; CoreDNS gets its tenth. Default `10.43.0.0/16`. */
  readonly serviceCidr?: string;
  /** Keys of `config.yaml` for every node: `kubelet-arg`, `resolv-conf`, `selinux` and so on. */
  readonly agent?: Agent;
  /** Keys of `config.yaml` for the masters, over those of `agent`: `kube-apiserver-arg`, `etcd-arg`, `disable` and so on. Lists are added to ours, the rest replaces ours. */
  readonly server?: Server;
  /** Keys of `config.yaml` for single nodes by name, over the others; for labels, taints and the like. */
  readonly nodes?: Readonly<Record<string, Agent>>;
  /** Manifests for the masters' auto-deploy directory by file name, there before the first start; a `HelmChartConfig` belongs here. Taking one out removes the file, not the objects. */
  readonly manifests?: Readonly<Record<string, string>>;
  /** Content of `registries.yaml` (mirrors and credentials), written 0600 to every node. */
  readonly registries?: Readonly<Record<string, unknown>>;
  /** Harden the cluster by the project's own guide to the CIS benchmark. Default false. Decide before the first up(). */
  readonly cis?: boolean;
  /** Directory on this machine with the files of the release (program, `install.sh`, checksums, images), for nodes without the internet. Default: the nodes download. */
  readonly files?: string;
  /** Mirrors of the download sites; `/<version>/<file>` is appended to both. */
  readonly mirror?: { readonly releases?: string; readonly scripts?: string };
  /** SHA-256 in hexadecimal by file name (`k3s`, `rke2.linux-amd64.tar.gz`, `install.sh`). Default: what the release's own checksum file says; `install.sh`, which is in none, is then taken as the version's tag has it. */
  readonly sha256?: Readonly<Record<string, string>>;
  readonly etcd?: {
    /** Longest round trip between two masters in milliseconds that is accepted. Default 500. */
    readonly maxRoundTripMs?: number;
    /** Accept any round trip. Default false. */
    readonly force?: boolean;
  };
  readonly upgrade?: {
    /** Move the pods of a worker away before its version changes. Default true. */
    readonly drain?: boolean;
    /** Go on after this many milliseconds even when pods remain. Default 300000 (5 minutes). */
    readonly drainTimeoutMs?: number;
    /** Allow what Kubernetes does not support: older versions, and more than one minor version at once. Default false. */
    readonly force?: boolean;
  };
  /** Workers that are worked on at the same time. Default 10. Masters take turns. */
  readonly concurrency?: number;
  /** How often a service that does not start is looked at before it counts as failed. Default 12. */
  readonly attempts?: number;
  /** Milliseconds between two looks. Default 5000. */
  readonly retryDelayMs?: number;
  /** How long one service may take to start, downloads of images included. Default 900000 (15 minutes). */
  readonly startTimeoutMs?: number;
  /** How long nodes may take to become Ready once their service runs. Default 300000 (5 minutes). */
  readonly readyTimeoutMs?: number;
}

/** Options with their defaults filled in. */
export interface DistributionSettings {
  readonly version: string;
  readonly podCidr: string;
  readonly serviceCidr: string;
  readonly agent: ConfigMap;
  readonly server: ConfigMap;
  readonly nodes: Readonly<Record<string, ConfigMap>>;
  readonly manifests: Readonly<Record<string, string>>;
  readonly registries: Readonly<Record<string, unknown>> | undefined;
  readonly cis: boolean;
  readonly files: string | undefined;
  readonly releases: string;
  readonly scripts: string;
  readonly sha256: Readonly<Record<string, string>>;
  readonly etcd: { readonly maxRoundTripMs: number; readonly force: boolean };
  readonly upgrade: { readonly drain: boolean; readonly drainTimeoutMs: number; readonly force: boolean };
  readonly concurrency: number;
  readonly attempts: number;
  readonly retryDelayMs: number;
  readonly startTimeoutMs: number;
  readonly readyTimeoutMs: number;
}

/** Fills in the defaults. */
export function withDistributionDefaults(
  distribution: Distribution,
  options: DistributionOptions,
): DistributionSettings {
  const version = options.version ?? distribution.defaultVersion;
  return {
    version,
    podCidr: options.podCidr ?? "10.42.0.0/16",
    serviceCidr: options.serviceCidr ?? "10.43.0.0/16",
    agent: (options.agent ?? {}) as ConfigMap,
    server: (options.server ?? {}) as ConfigMap,
    nodes: (options.nodes ?? {}) as Readonly<Record<string, ConfigMap>>,
    manifests: options.manifests ?? {},
    registries: options.registries,
    cis: options.cis ?? false,
    files: options.files,
    releases: options.mirror?.releases ?? distribution.releases,
    scripts: options.mirror?.scripts ?? distribution.scripts,
    sha256: options.sha256 ?? {},
    etcd: {
      maxRoundTripMs: options.etcd?.maxRoundTripMs ?? 500,
      force: options.etcd?.force ?? false,
    },
    upgrade: {
      drain: options.upgrade?.drain ?? true,
      drainTimeoutMs: options.upgrade?.drainTimeoutMs ?? 300_000,
      force: options.upgrade?.force ?? false,
    },
    concurrency: options.concurrency ?? 10,
    attempts: options.attempts ?? 12,
    retryDelayMs: options.retryDelayMs ?? 5_000,
    startTimeoutMs: options.startTimeoutMs ?? 900_000,
    readyTimeoutMs: options.readyTimeoutMs ?? 300_000,
  };
}

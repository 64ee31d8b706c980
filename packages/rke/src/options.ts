import type { ClusterYml, ClusterYmlNode } from "./cluster-yml/schema.js";

/** Keys of a node that the user may set; the others follow from the sites. */
export type RkeNodeConfig = Omit<
  ClusterYmlNode,
  "nodeName" | "address" | "port" | "internal_address" | "user" | "role"
>;

/** The part of a `cluster.yml` that the user may set: all of it but what the options or the sites decide. */
export type RkeConfig = Omit<ClusterYml, "nodes" | "kubernetes_version" | "ignore_docker_version"> & {
  /** Merged over the node whose name `hostname_override` is. */
  readonly nodes?: readonly RkeNodeConfig[];
};

/** The one host that RKE can jump over. */
export interface RkeBastion {
  readonly address: string;
  /** Default 22. */
  readonly port?: number;
  readonly user: string;
  /** Default: the cluster's own private key. */
  readonly privateKeyFile?: string;
}

/** Options of {@link rke}. */
export interface RkeOptions {
  /** `kubernetes_version`, in RKE's form `vX.Y.Z-rancherN-M`. Default {@link defaultVersion}; `rke config --list-version --all` lists what a binary knows. */
  readonly version?: string;
  /** Path of the `rke` program, or its name to be found in `PATH` when it is run. Default `rke`. */
  readonly binary?: string;
  /** Range of the pods' addresses. Default `10.42.0.0/16`. */
  readonly podCidr?: string;
  /** Range of the services' addresses; CoreDNS gets its tenth. Default `10.43.0.0/16`. */
  readonly serviceCidr?: string;
  /** Name servers that CoreDNS asks for names outside the cluster. Default: those of the nodes. */
  readonly upstreamNameservers?: readonly string[];
  /** Name servers of containers on the nodes. Default: those of the nodes. */
  readonly dockerDns?: readonly string[];
  /** Switch IPv6 off on the nodes. Default false. */
  readonly disableIpv6?: boolean;
  /** Manifests that RKE applies: URLs, or absolute paths on this machine. */
  readonly addonsInclude?: readonly string[];
  /** The host to jump over to all nodes. Default: the jump host of the sites, when they have one. */
  readonly bastion?: RkeBastion;
  /**
   * Any other key of `cluster.yml`, merged over what we write: mappings key by key, lists added to ours,
   * the rest replaced. Unknown keys are refused, because RKE would ignore them in silence.
   */
  readonly config?: RkeConfig;
  /** How often `rke up` is run before it counts as failed; it goes on where it stopped. Default 5. */
  readonly attempts?: number;
  /** Milliseconds between two attempts. Default 5000. */
  readonly retryDelayMs?: number;
  /** How long nodes may take to become Ready after RKE has finished. Default 300000 (5 minutes). */
  readonly readyTimeoutMs?: number;
}

/**
 * The `kubernetes_version` used when none is given. Newer lines of RKE need images of a paid subscription
 * (from 1.31.14 and 1.32.11 on), so the default stays with what everybody can pull.
 */
export const defaultVersion = "v1.30.5-rancher1-1";

/** Options with their defaults filled in. */
export interface Settings extends RkeOptions {
  readonly version: string;
  readonly binary: string;
  readonly podCidr: string;
  readonly serviceCidr: string;
  readonly addonsInclude: readonly string[];
  readonly attempts: number;
  readonly retryDelayMs: number;
  readonly readyTimeoutMs: number;
}

/** Fills in the defaults. */
export function withDefaults(options: RkeOptions): Settings {
  return {
    ...options,
    version: options.version ?? defaultVersion,
    binary: options.binary ?? "rke",
    podCidr: options.podCidr ?? "10.42.0.0/16",
    serviceCidr: options.serviceCidr ?? "10.43.0.0/16",
    addonsInclude: options.addonsInclude ?? [],
    attempts: options.attempts ?? 5,
    retryDelayMs: options.retryDelayMs ?? 5_000,
    readyTimeoutMs: options.readyTimeoutMs ?? 300_000,
  };
}

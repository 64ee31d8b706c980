import type { Addon } from "../contracts/addon.js";
import type { Dialer } from "../contracts/dialer.js";
import type { DnsEntrypoint } from "../contracts/dns-entrypoint.js";
import type { ClusterEngine } from "../contracts/engine.js";
import type { NodeFragment } from "../contracts/fragment.js";
import type { Gateway } from "../contracts/gateway.js";
import type { Overlay } from "../contracts/overlay.js";
import type { DiskSpec, FirewallRule, Provider } from "../contracts/provider.js";
import type { JumpHost } from "../contracts/remote-host.js";
import type { StateStore } from "../contracts/state-store.js";

/** Machines of one kind in one site. */
export interface PoolConfig {
  /** How many. */
  readonly count: number;
  /** Flavor or droplet size, by the provider's own name. */
  readonly size: string;
  /** Image by the provider's own name, slug or id. Debian 12 and Ubuntu 24.04 are known to work. */
  readonly image: string;
  /** Boot from a new volume instead of the size's local disk. */
  readonly disk?: DiskSpec;
  /** Labels for the Kubernetes nodes, besides region and site. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Added to the machines' first boot. A change of it replaces the machines. */
  readonly boot?: NodeFragment;
  /** Settings that only this site's provider understands. */
  readonly providerOptions?: Readonly<Record<string, unknown>>;
}

/** One cloud, or one region of it, or one basement. */
export interface SiteConfig {
  readonly provider: Provider;
  /** Control plane and etcd. */
  readonly masters?: PoolConfig;
  /** Applications. */
  readonly workers?: PoolConfig;
  /**
   * The machines have no public address of their own. `publicAddress` is the router's, when it passes 80
   * and 443 on to the site's workers: then the site can be an entry of the cluster. Default `false`.
   */
  readonly nat?: boolean | { readonly publicAddress?: string };
  /** Host, or chain of hosts (outermost first), through which SSH reaches the machines. */
  readonly jump?: JumpHost | readonly JumpHost[];
  /** A reverse proxy in front of the site. */
  readonly gateway?: Gateway;
  /** Address range of the site's own network, to be checked against the cluster's ranges. */
  readonly cidr?: string;
  /** How many machines the cloud is being asked for at once; four times as many are being prepared at once. Default 16. */
  readonly concurrency?: number;
}

/** How SSH logs in. */
export interface SshConfig {
  /** User made on every machine, with passwordless sudo. Default `multicloud`. */
  readonly user?: string;
  /** Private key in OpenSSH's format. Default: a key pair of the cluster's own, made in the state directory. */
  readonly privateKeyFile?: string;
}

/** Intervals and deadlines, in milliseconds. */
export interface TimingConfig {
  /** Between two looks at a site's machines; one look serves all of them. Default 2,000. */
  readonly pollMs?: number;
  /** For a machine to run once its cloud has accepted it. Default 10 minutes. */
  readonly machineMs?: number;
  /** For SSH to answer once the machine runs. Default 10 minutes. */
  readonly sshMs?: number;
  /** For cloud-init to end. Default 15 minutes. */
  readonly bootMs?: number;
  /** For preparing a node over SSH. Default 15 minutes. */
  readonly prepareMs?: number;
  /** For a node to get its overlay address. Default 5 minutes. */
  readonly overlayMs?: number;
  /** For the engine. Default 60 minutes. */
  readonly engineMs?: number;
  /** For one addon. Default 15 minutes. */
  readonly addonMs?: number;
}

/** Everything that makes one cluster. */
export interface MulticloudConfig {
  /** A DNS label: the first part of every name and the mark of everything that is ours. */
  readonly name: string;
  /** By name, which is a DNS label. The order is the order of preference for the entrypoint. */
  readonly sites: Readonly<Record<string, SiteConfig>>;
  readonly overlay: Overlay;
  readonly engine: ClusterEngine;
  /** The name under which the applications are reached. */
  readonly entrypoint?: DnsEntrypoint;
  /**
   * The name under which the Kubernetes API is reached, for example `cloudflare({ zone, record: "api" })`: it
   * holds the public address of every master that answers, stands in the API's certificate and in the
   * kubeconfig, so that the loss of any one master does not matter. Default: the kubeconfig names one master.
   */
  readonly api?: DnsEntrypoint;
  readonly addons?: readonly Addon[];
  readonly ssh?: SshConfig;
  /** Added to the first boot of every machine. */
  readonly boot?: NodeFragment;
  /** What the sites' firewalls let in. Default: 22, 80, 443 and 6443/tcp, 9993/udp from everywhere. */
  readonly firewall?: readonly FirewallRule[];
  /** Where the state is kept. Default: the directory `.multicloud/<name>` below the working directory. A string is another directory. */
  readonly state?: string | StateStore;
  /** How TCP connections to machines and to the cluster are opened. Default: directly. */
  readonly dialer?: Dialer;
  readonly timing?: TimingConfig;
}

/** Ports that the cluster needs from outside: SSH, HTTP, HTTPS, the Kubernetes API and ZeroTier. */
export const defaultFirewall: readonly FirewallRule[] = [
  { protocol: "tcp", port: 22 },
  { protocol: "tcp", port: 80 },
  { protocol: "tcp", port: 443 },
  { protocol: "tcp", port: 6443 },
  { protocol: "udp", port: 9993 },
];

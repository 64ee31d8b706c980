import type { EndpointInterface, OpenStackAuth } from "./client/index.js";

/** Settings of one OpenStack cloud. All names may be ids. */
export interface OpenStackOptions {
  /**
   * Name in `clouds.yaml`. Searched at first use like every OpenStack tool does: `OS_CLIENT_CONFIG_FILE`,
   * the current folder, `~/.config/openstack`, `/etc/openstack`; `secure.yaml` is merged in. Default: the
   * environment's `OS_CLOUD`, or its `OS_AUTH_URL`, `OS_USERNAME` and so on.
   */
  readonly cloud?: string;
  /** Credentials given directly; then neither files nor the environment are read. */
  readonly auth?: OpenStackAuth;
  /** Default: `region_name` of the cloud, or the catalog's only region. */
  readonly region?: string;
  /** Which of the catalog's endpoints are used. Default: `interface` of the cloud, or `public`. */
  readonly interface?: EndpointInterface;
  /** A `clouds.yaml` to read instead of searching for one. */
  readonly cloudsFile?: string;
  /** Default: the global `fetch`. */
  readonly fetch?: typeof fetch;
  /**
   * Network of the machines, or several: a machine gets an address in each, and its first one is in the first.
   * Default: the only one that is not external, or else the only one. A pool's own goes before it.
   */
  readonly network?: string | readonly string[];
  /**
   * Give each machine a floating IP of its own in its first network: from the external network of this name, or
   * from the only one with `true`. It goes with the machine. A pool's own setting goes before it. Default false.
   */
  readonly floatingIp?: boolean | string;
  /**
   * Keep the masters on hosts of their own, and the workers: `soft` as far as there are enough hosts, `hard`
   * always (a machine that finds none fails). Default: machines may be anywhere.
   */
  readonly antiAffinity?: "soft" | "hard";
  /**
   * Name of a network whose addresses count as public although they look private (RFC 1918, RFC 6598).
   * By default an address is public when it is a floating IP or is not of a private range.
   */
  readonly publicNetwork?: string;
  /** Default: the cloud's choice. `providerOptions.availabilityZone` of a pool goes before it. */
  readonly availabilityZone?: string;
  /** Security groups that exist already, for the machines to be in besides the site's own. */
  readonly securityGroups?: readonly string[];
  /** Give user data on a drive besides the metadata service, for networks that have none. Default false. */
  readonly configDrive?: boolean;
  /** How long `deleteShared` waits for the security group to be out of use, in milliseconds. Default 180,000. */
  readonly releaseTimeoutMs?: number;
}

/** What a pool's `providerOptions` may hold for OpenStack. */
export interface OpenStackPoolOptions {
  readonly availabilityZone?: string;
  /** Instead of the provider's `network`. */
  readonly network?: string | readonly string[];
  /** Instead of the provider's `floatingIp`. */
  readonly floatingIp?: boolean | string;
  /** Address of a machine in its first network, by the machine's name; best outside of the subnet's allocation pool, where nobody gets it first. Default: the cloud's choice. */
  readonly fixedIps?: Readonly<Record<string, string>>;
}

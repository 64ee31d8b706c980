import type { ServedCall } from "../world/http-service.js";

/** A user of the emulated cloud, with one project. */
export interface OpenStackUser {
  readonly name: string;
  readonly password: string;
  /** Users that name the same project share it. */
  readonly project: string;
  /** `id` is made up when not given; `name` is `sdk`. */
  readonly applicationCredential?: {
    readonly id?: string;
    readonly name?: string;
    readonly secret: string;
  };
}

/** A size of machine: RAM in MiB, disk in GiB. */
export interface OpenStackFlavor {
  readonly name: string;
  readonly vcpus: number;
  readonly ram: number;
  readonly disk: number;
}

/** An image: `minDisk` in GiB, `minRam` in MiB. */
export interface OpenStackImage {
  readonly name: string;
  /** Image family that the machines boot, default the name. */
  readonly family?: string;
  readonly minDisk?: number;
  readonly minRam?: number;
  /** For example `os_distro`. */
  readonly properties?: Readonly<Record<string, string>>;
  /** When it was made, in milliseconds after the cloud's start. Default 0. */
  readonly createdAfterMs?: number;
  /** Default `active`. */
  readonly status?: "active" | "queued" | "deactivated";
}

/** A network. */
export interface OpenStackNetwork {
  readonly name: string;
  /** `lan`: machines get a private address in the local network `lan`. `public`: machines get an address in the internet. */
  readonly kind: "lan" | "public";
  /** IPv4 range that the machines' addresses come from. */
  readonly cidr: string;
  /** Name of the world's local network for kind `lan`; default the network's own name. Adding it to the world is the caller's. */
  readonly lan?: string;
  /** The project that it is of; no other sees it. Default: an operator's, shared with all. */
  readonly project?: string;
  /** `router:external`: floating IPs come from it. Default false. */
  readonly external?: boolean;
}

/** Quotas of each project; -1 is unlimited. RAM in MiB, gigabytes in GiB. */
export interface OpenStackQuotas {
  readonly instances: number;
  readonly cores: number;
  readonly ram: number;
  readonly keyPairs: number;
  readonly securityGroups: number;
  readonly securityGroupRules: number;
  readonly serverGroups: number;
  readonly serverGroupMembers: number;
  readonly ports: number;
  readonly floatingIps: number;
  readonly volumes: number;
  readonly gigabytes: number;
}

/** Settings of one emulated OpenStack. */
export interface OpenStackOptions {
  /** Name of the cloud: services are called `<name>/nova`, `<name>/neutron` and so on in effects and faults. */
  readonly name: string;
  /** Default `RegionOne`. */
  readonly region?: string;
  /** Default: one user `multicloud` in the project `multicloud`, with a made-up password and application credential. */
  readonly users?: readonly OpenStackUser[];
  /** Default `g1.small`, `g1.medium`, `g1.large`. */
  readonly flavors?: readonly OpenStackFlavor[];
  /** Default `debian-12`. */
  readonly images?: readonly OpenStackImage[];
  readonly networks: readonly OpenStackNetwork[];
  /** Default `standard`, `fast`. */
  readonly volumeTypes?: readonly string[];
  /** Types whose volumes fail after they were accepted, because no backend has what they ask for. Default none. */
  readonly brokenVolumeTypes?: readonly string[];
  readonly availabilityZones?: readonly string[];
  /** Default: those of a fresh OpenStack (10 instances, 20 cores, 50 GiB RAM …). */
  readonly quotas?: Partial<OpenStackQuotas>;
  /** Quotas of single projects, over those. */
  readonly projectQuotas?: Readonly<Record<string, Partial<OpenStackQuotas>>>;
  /** A server that needs more of it than this finds no host. Default: there is always one. */
  readonly largestHost?: { readonly vcpus: number };
  /** Compute hosts, for servers that must not share one. Default: there is always another. */
  readonly hosts?: number;
  /** Most items on a page, whatever the caller asks for (`osapi_max_limit`). Default 1000. */
  readonly pageSize?: number;
  /** Life of a token in virtual milliseconds. Default one hour. */
  readonly tokenLifeMs?: number;
  /** Newest microversion of Nova. Default 2.93. */
  readonly microversion?: string;
  /** How the catalog writes its URLs. `plain`: as a fresh installation. `odd`: path prefixes, versions where others have none and the other way round, trailing slashes. */
  readonly catalog?: "plain" | "odd";
}

/** Entry of `clouds.yaml`. */
export interface CloudsYamlEntry {
  readonly auth_type?: string;
  readonly auth: Readonly<Record<string, string>>;
  readonly region_name: string;
  readonly interface: "public";
  readonly identity_api_version: 3;
}

export type OpenStackService = "keystone" | "nova" | "neutron" | "glance" | "cinder";

/** One thing that somebody made. */
export interface OpenStackResource {
  readonly id: string;
  readonly name: string;
  readonly project: string;
}

/** Everything that somebody made and that is still there. The projects' own `default` security groups are not in it. */
export interface OpenStackResources {
  readonly servers: readonly (OpenStackResource & {
    readonly status: string;
    readonly metadata: Readonly<Record<string, string>>;
  })[];
  readonly ports: readonly OpenStackResource[];
  readonly volumes: readonly (OpenStackResource & {
    readonly status: string;
    readonly type: string;
    readonly size: number;
  })[];
  readonly securityGroups: readonly (OpenStackResource & { readonly description: string })[];
  readonly securityGroupRules: readonly (OpenStackResource & { readonly group: string })[];
  /** `id` is the fingerprint, `project` the user's. */
  readonly keypairs: readonly (OpenStackResource & { readonly publicKey: string })[];
  readonly floatingIps: readonly OpenStackResource[];
  readonly serverGroups: readonly (OpenStackResource & { readonly members: readonly string[] })[];
}

/** A running emulated OpenStack. */
export interface OpenStackCloud {
  readonly name: string;
  readonly authUrl: string;
  /** Entry for a `clouds.yaml`: the first user's application credential, or password when there is none. */
  readonly cloudsYaml: CloudsYamlEntry;
  /** Entry for any user. */
  cloudsYamlFor(user: string, kind: "password" | "application-credential"): CloudsYamlEntry;
  readonly calls: Readonly<Record<OpenStackService, readonly ServedCall[]>>;
  list(): OpenStackResources;
  counts(): Readonly<Record<keyof OpenStackResources, number>>;
  /** Makes all tokens invalid, as an expiry does. */
  expireTokens(): void;
  /**
   * Lets the next builds end in `ERROR`. `leaveVolume` leaves the boot volume behind when such a server is deleted,
   * as Nova may do: `attached` it is still shown with the server, `lost` only the fault names it, where the message
   * has `{volume}`.
   */
  failBuilds(failure: {
    readonly message: string;
    readonly times?: number;
    readonly leaveVolume?: "attached" | "lost";
  }): void;
  /** Deletes a server behind everybody's back, at once. */
  removeServer(id: string): void;
  close(): Promise<void>;
}

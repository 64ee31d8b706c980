import type { OpenStackQuotas } from "./options.js";

/** A project with its quotas. */
export interface Project {
  readonly id: string;
  readonly name: string;
  readonly quotas: OpenStackQuotas;
}

/** A user; each is in one project. */
export interface User {
  readonly id: string;
  readonly name: string;
  readonly password: string;
  readonly project: Project;
  readonly credential?: { readonly id: string; readonly name: string; readonly secret: string };
}

/** A token, by its id. */
export interface Token {
  readonly user: User;
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/** A flavor: RAM in MiB, disk in GiB. */
export interface FlavorRecord {
  readonly id: string;
  readonly name: string;
  readonly vcpus: number;
  readonly ram: number;
  readonly disk: number;
}

/** An image: minima in GiB and MiB. */
export interface ImageRecord {
  readonly id: string;
  readonly name: string;
  readonly family: string;
  readonly minDisk: number;
  readonly minRam: number;
  readonly status: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly createdAt: string;
}

/** A network with its one subnet. */
export interface NetworkRecord {
  readonly id: string;
  readonly subnetId: string;
  readonly name: string;
  readonly kind: "lan" | "public";
  readonly cidr: string;
  readonly lan: string | undefined;
  readonly external: boolean;
  /** The project that it is of, when it is no operator's. */
  readonly owner: string | undefined;
}

/** A server and what it was made with. */
export interface ServerRecord {
  readonly id: string;
  readonly name: string;
  readonly user: User;
  readonly flavor: FlavorRecord;
  readonly image: ImageRecord | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  readonly tags: readonly string[];
  readonly description: string | undefined;
  readonly keyName: string | undefined;
  readonly publicKey: string | undefined;
  readonly userData: string | undefined;
  readonly configDrive: boolean;
  readonly zone: string;
  readonly groups: readonly GroupRecord[];
  /** From the hint `group`. */
  readonly serverGroup: ServerGroupRecord | undefined;
  readonly createdAt: string;
  status: "BUILD" | "ACTIVE" | "PAUSED" | "ERROR";
  taskState: string | null;
  fault: { readonly code: number; readonly message: string; readonly created: string } | undefined;
  /** No host was ever found for it. */
  unscheduled: boolean;
  /** It takes the place of one on a host. */
  onHost: boolean;
  /** Whether deletion forgets the boot volume. */
  leavesVolume: boolean;
  readonly volumes: { readonly volume: VolumeRecord; readonly deleteOnTermination: boolean }[];
  cancelBuild: () => void;
}

/** A port at one address. */
export interface PortRecord {
  readonly id: string;
  readonly project: Project;
  readonly network: NetworkRecord;
  /** The server that it is at. */
  server: ServerRecord | undefined;
  /** Somebody made it, not Nova: it stays when its server goes. */
  readonly made?: { readonly name: string; readonly description: string };
  readonly address: string;
  readonly mac: string;
  groups: readonly GroupRecord[];
}

/** A volume: size in GiB. */
export interface VolumeRecord {
  readonly id: string;
  name: string;
  description: string;
  readonly project: Project;
  readonly size: number;
  readonly type: string;
  readonly createdAt: string;
  readonly metadata: Readonly<Record<string, string>>;
  status: "available" | "in-use" | "error";
  server: ServerRecord | undefined;
}

/** A rule of a security group; `null` is any. */
export interface RuleRecord {
  readonly id: string;
  readonly group: GroupRecord;
  readonly direction: "ingress" | "egress";
  readonly ethertype: "IPv4" | "IPv6";
  readonly protocol: string | null;
  readonly min: number | null;
  readonly max: number | null;
  readonly prefix: string | null;
  readonly remoteGroup: string | null;
  readonly description: string;
}

/** A security group. */
export interface GroupRecord {
  readonly id: string;
  name: string;
  description: string;
  readonly project: Project;
  readonly isDefault: boolean;
  readonly createdAt: string;
}

/** A key pair of a user. */
export interface KeypairRecord {
  readonly user: User;
  readonly name: string;
  readonly publicKey: string;
  readonly fingerprint: string;
}

/** A floating IP, at a port or at none. */
export interface FloatingIpRecord {
  readonly id: string;
  readonly project: Project;
  readonly network: NetworkRecord;
  readonly address: string;
  readonly description: string;
  port: PortRecord | undefined;
}

/** A server group with its one policy. */
export interface ServerGroupRecord {
  readonly id: string;
  readonly name: string;
  readonly user: User;
  readonly policy: string;
}

import type { World } from "../world/world.js";
import type { ImageOption, RegionOption, SizeOption } from "./catalogue.js";

export interface Droplet {
  readonly id: number;
  readonly name: string;
  readonly region: RegionOption;
  readonly size: SizeOption;
  readonly image: ImageOption & { readonly id: number };
  readonly tags: Set<string>;
  readonly keys: readonly SshKey[];
  readonly vpc: Vpc;
  readonly features: readonly string[];
  readonly createdAt: string;
  readonly userData?: string;
  status: "new" | "active" | "off";
  /** An action on it is under way. */
  acting?: true;
  /** Its making failed; nothing happens to it any more. */
  errored?: true;
  deleting: boolean;
  publicAddress?: string;
  privateAddress?: string;
  publicAddressV6?: string;
}

export interface SshKey {
  readonly id: number;
  readonly name: string;
  readonly fingerprint: string;
  readonly publicKey: string;
}

export interface Firewall {
  readonly id: string;
  readonly createdAt: string;
  body: Record<string, unknown> & { readonly name: string; readonly tags: readonly string[] };
}

export interface Vpc {
  readonly id: string;
  readonly name: string;
  readonly region: string;
  readonly ipRange: string;
  readonly isDefault: boolean;
}

export interface Action {
  readonly id: number;
  readonly dropletId: number;
  readonly type: string;
  readonly region: RegionOption;
  readonly startedAt: string;
  status: "in-progress" | "completed" | "errored";
  completedAt?: string;
}

export interface ReservedIp {
  readonly ip: string;
  readonly region: RegionOption;
  /** An action on it is under way. */
  locked: boolean;
  dropletId?: number;
  /** The droplet that it is being put on. */
  target?: number;
}

export interface Volume {
  readonly id: string;
  readonly name: string;
  readonly region: RegionOption;
  /** GiB. */
  readonly size: number;
  readonly description: string;
  readonly filesystem: string;
  readonly createdAt: string;
  readonly tags: Set<string>;
  /** The droplet that it is on. */
  dropletId?: number;
}

/** Everything that the emulated account holds. */
export interface Store {
  readonly world: World;
  readonly regions: readonly RegionOption[];
  readonly sizes: readonly SizeOption[];
  readonly images: readonly (ImageOption & { readonly id: number })[];
  readonly dropletLimit: number;
  readonly reservedIpLimit: number;
  readonly pageSize: number;
  readonly lan: string | undefined;
  readonly droplets: Map<number, Droplet>;
  readonly keys: Map<number, SshKey>;
  readonly tags: Set<string>;
  readonly firewalls: Map<string, Firewall>;
  readonly vpcs: Map<string, Vpc>;
  readonly actions: Map<number, Action>;
  readonly reservedIps: Map<string, ReservedIp>;
  readonly volumes: Map<string, Volume>;
  /** How the next creations end, when not well. */
  readonly mishaps: ("vanishes" | "stays")[];
  /** A droplet as the API shows it. */
  describe(droplet: Droplet): unknown;
  nextId(): number;
  nextPublicAddress(): string;
  nextPrivateAddress(vpc: Vpc): string;
  /** Virtual time as the API writes it. */
  timestamp(): string;
  /** Adds tags that do not exist yet; gives those that are new. */
  addTags(names: readonly string[]): readonly string[];
}

export const serviceName = "digitalocean";

/** Records a change made at a caller's request. */
export function effect(
  store: Store,
  kind: string,
  action: "create" | "update" | "delete",
  name: string,
): Promise<void> {
  return store.world.effects.record({ service: serviceName, kind, action, name });
}

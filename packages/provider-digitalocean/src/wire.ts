/**
 * The part of DigitalOcean's API v2 that is used here, with the names of its OpenAPI document
 * (digitalocean/openapi, `DigitalOcean-public.v2.yaml`). Fields that nothing reads are left out.
 */

export interface WireAccount {
  readonly droplet_limit: number;
  /** Of reserved addresses, which were called floating before. */
  readonly floating_ip_limit: number;
  readonly status: "active" | "warning" | "locked";
  readonly status_message: string;
}

export interface WireRegion {
  readonly slug: string;
  readonly available: boolean;
  /** `storage`: it has volumes. */
  readonly features: readonly string[];
}

export interface WireSize {
  readonly slug: string;
  readonly disk: number;
  readonly price_monthly: number;
  readonly regions: readonly string[];
  readonly available: boolean;
}

export interface WireImage {
  readonly id: number;
  readonly slug: string | null;
  readonly regions: readonly string[];
  readonly min_disk_size: number | null;
}

export interface WireVpc {
  readonly id: string;
  readonly name: string;
  readonly region: string;
}

export interface WireSshKey {
  readonly id: number;
  readonly fingerprint: string;
  readonly name: string;
}

export interface WireTag {
  readonly name: string;
}

export interface WireDroplet {
  readonly id: number;
  readonly name: string;
  readonly status: "new" | "active" | "off" | "archive";
  readonly size_slug: string;
  readonly image: { readonly id: number; readonly slug?: string | null; readonly name?: string };
  readonly networks: { readonly v4?: readonly WireNetwork[] };
  readonly tags: readonly string[];
}

export interface WireNetwork {
  readonly ip_address: string;
  readonly gateway?: string | null;
  readonly type: "public" | "private";
}

export interface WireReservedIp {
  readonly ip: string;
  /** The droplet that it is on. Left out when the token may not read droplets. */
  readonly droplet?: { readonly id: number } | null;
  /** An action on it is under way. */
  readonly locked: boolean;
}

export interface WireVolume {
  readonly id: string;
  readonly name: string;
  readonly droplet_ids?: readonly number[] | null;
  readonly tags?: readonly string[] | null;
}

export interface WireAction {
  readonly id: number;
  readonly status: "in-progress" | "completed" | "errored";
  readonly type: string;
  readonly resource_id: number;
}

/** Body of `POST /v2/droplets`. */
export interface WireDropletCreate {
  readonly name?: string;
  readonly names?: readonly string[];
  readonly region: string;
  readonly size: string;
  readonly image: string | number;
  readonly ssh_keys: readonly string[];
  readonly tags: readonly string[];
  readonly user_data?: string;
  readonly monitoring: boolean;
  readonly ipv6: boolean;
  readonly backups: boolean;
  readonly vpc_uuid?: string;
  /** Ids; only where one droplet is made. */
  readonly volumes?: readonly string[];
}

export interface WireTarget {
  readonly addresses?: readonly string[];
  readonly droplet_ids?: readonly number[];
  readonly load_balancer_uids?: readonly string[];
  readonly kubernetes_ids?: readonly string[];
  readonly tags?: readonly string[] | null;
}

export interface WireInboundRule {
  readonly protocol: string;
  /** A port, a range `8000-9000`, or `0` for all. */
  readonly ports: string;
  readonly sources: WireTarget;
}

export interface WireOutboundRule {
  readonly protocol: string;
  readonly ports: string;
  readonly destinations: WireTarget;
}

/** Body of `POST /v2/firewalls` and `PUT /v2/firewalls/{id}`: a PUT resets what it leaves out. */
export interface WireFirewallBody {
  readonly name: string;
  readonly tags: readonly string[];
  readonly droplet_ids: readonly number[];
  readonly inbound_rules: readonly WireInboundRule[];
  readonly outbound_rules: readonly WireOutboundRule[];
}

export interface WireFirewall {
  readonly id: string;
  readonly name: string;
  readonly tags?: readonly string[] | null;
  readonly droplet_ids?: readonly number[] | null;
  readonly inbound_rules?: readonly WireInboundRule[] | null;
  readonly outbound_rules?: readonly WireOutboundRule[] | null;
}

/** A page of any collection. */
export interface WirePage {
  readonly links?: { readonly pages?: { readonly next?: string } };
  readonly meta?: { readonly total?: number };
}

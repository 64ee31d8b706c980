import type { MachineRequest, Role, SiteContext } from "@multicloud/core/plugin";

/** Where a host says whose it is. Readable by everybody: it holds no secret. */
export const claimFile = "/etc/multicloud/claim.json";

/** What a host says of its owner. */
export interface Claim {
  /** Whose format this is. */
  readonly owner: "multicloud";
  readonly cluster: string;
  readonly site: string;
  readonly node: string;
  readonly role: Role;
  readonly spec: string;
  readonly size: string;
  readonly image: string;
  /** `preparing` until the boot configuration is applied, `releasing` from the moment it is being undone. */
  readonly state: "preparing" | "ready" | "releasing";
  /** Users that this claim made, to be removed with it. */
  readonly madeUsers: readonly string[];
  /** Public keys that this claim gave to users, to be taken back where the user stays. */
  readonly keys: Readonly<Record<string, readonly string[]>>;
}

type Site = Pick<SiteContext, "cluster" | "site">;

/** The claim that a request makes. */
export function claimOf(site: Site, request: MachineRequest, madeUsers: readonly string[]): Claim {
  const { name, role, spec, size, image, boot } = request;
  const users = boot?.users ?? [];
  return {
    owner: "multicloud",
    cluster: site.cluster,
    site: site.site,
    node: name,
    role,
    spec,
    size,
    image,
    state: "preparing",
    madeUsers,
    keys: Object.fromEntries(
      users.flatMap((user) => (user.authorizedKeys?.length ? [[user.name, user.authorizedKeys]] : [])),
    ),
  };
}

export function isOurs({ cluster, site }: Site, claim: Claim): boolean {
  return claim.cluster === cluster && claim.site === site;
}

export function renderClaim(claim: Claim): string {
  return `${JSON.stringify(claim, null, 2)}\n`;
}

/** `undefined` when the text is none of ours or damaged: then nobody may touch the host. */
export function parseClaim(text: string): Claim | undefined {
  try {
    const value = JSON.parse(text) as Partial<Claim> | null;
    if (value?.owner !== "multicloud" || !value.cluster || !value.site || !value.node) return undefined;
    return {
      spec: "",
      size: "",
      image: "",
      state: "preparing",
      madeUsers: [],
      keys: {},
      ...(value as Pick<Claim, "owner" | "cluster" | "site" | "node">),
      role: value.role === "master" ? "master" : "worker",
    };
  } catch {
    return undefined;
  }
}

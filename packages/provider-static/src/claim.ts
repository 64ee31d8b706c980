import type { MachineRequest, MachineRole, SiteContext } from "@multicloud/core/plugin";

/** Where a host says whose it is. Readable by everybody: it holds no secret. */
export const claimFile = "/etc/multicloud/claim.json";

/** Things that were missing when the host was claimed, to be removed with the claim. */
export interface Made {
  readonly users: readonly string[];
  /** Debian packages. */
  readonly packages: readonly string[];
  readonly files: readonly string[];
  readonly directories: readonly string[];
  /** Directories that packages and commands fill by themselves. */
  readonly leftovers: readonly string[];
}

export const nothingMade: Made = { users: [], packages: [], files: [], directories: [], leftovers: [] };

/** What a host says of its owner. */
export interface Claim {
  /** Whose format this is. */
  readonly owner: "multicloud";
  readonly cluster: string;
  readonly site: string;
  readonly node: string;
  readonly role: MachineRole;
  readonly spec: string;
  readonly size: string;
  readonly image: string;
  /** `preparing` until the boot configuration is applied, `releasing` from the moment it is being undone. */
  readonly state: "preparing" | "ready" | "releasing";
  /** What this claim puts on the host: everything of the boot configuration that was not there before. */
  readonly made: Made;
  /** Public keys that this claim gave to users, to be taken back where the user stays. */
  readonly keys: Readonly<Record<string, readonly string[]>>;
}

type Site = Pick<SiteContext, "cluster" | "site">;

/** The claim that a request makes. */
export function claimOf(site: Site, request: MachineRequest, made: Made): Claim {
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
    made,
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
      keys: {},
      ...(value as Pick<Claim, "owner" | "cluster" | "site" | "node">),
      made: { ...nothingMade, ...value.made },
      role: value.role === "master" || value.role === "gateway" ? value.role : "worker",
    };
  } catch {
    return undefined;
  }
}

import type { MachineRequest, MachineRole, SiteContext } from "@multicloud/core/plugin";
import type { Keypair, SecurityGroup, Server } from "./client/index.js";

/** Cluster and site: what every resource of ours is marked with. */
type Owner = Pick<SiteContext, "cluster" | "site">;

/**
 * Name of the site's security group and of its key pair: `multicloud-<cluster>-<site>`, with an underscore
 * between the two when one of them has a hyphen itself, because key pairs are unique by name and `a-b` + `c`
 * must not meet `a` + `b-c`.
 */
export function sharedName({ cluster, site }: Owner): string {
  const between = cluster.includes("-") || site.includes("-") ? "_" : "-";
  return `multicloud-${cluster}${between}${site}`;
}

/** Metadata that names the port which was made for a machine. */
export const portMark = "multicloud-port";

/** The metadata of a machine. Nova takes values of at most 255 characters. */
export function serverMarks(owner: Owner, request: MachineRequest): Record<string, string> {
  return {
    "multicloud-cluster": owner.cluster,
    "multicloud-site": owner.site,
    "multicloud-node": request.name,
    "multicloud-role": request.role,
    "multicloud-spec": request.spec,
    // As they were asked for: a server that boots from a volume does not tell its image.
    "multicloud-size": request.size,
    "multicloud-image": request.image,
  };
}

/**
 * The tags of a machine, for people and their tools (`openstack server list --tags`): the metadata is what
 * counts. Nova takes tags of at most 60 characters; longer ones are left out.
 */
export function serverTags({ cluster, site }: Owner): readonly string[] {
  return ["multicloud", `multicloud-cluster=${cluster}`, `multicloud-site=${site}`].filter(
    (tag) => tag.length <= 60,
  );
}

/** Whether a server carries our mark. Nova ignores a metadata filter of plain users, so this is the only place where it is decided. */
export function isOurServer(owner: Owner, server: Server): boolean {
  return (
    server.metadata["multicloud-cluster"] === owner.cluster &&
    server.metadata["multicloud-site"] === owner.site
  );
}

/** The role that a server was made for. A damaged mark falls back on the name, and then on worker, the role that is safe to replace. */
export function roleOf(server: Server): MachineRole {
  const role = server.metadata["multicloud-role"] ?? /-(master|worker|gateway)-\d+$/.exec(server.name)?.[1];
  return role === "master" || role === "gateway" ? role : "worker";
}

/** Names of the site's server groups begin with this: they have no other place for a mark. */
export function serverGroupMark(owner: Owner): string {
  return `multicloud:${owner.cluster}/${owner.site} `;
}

/** The description that marks a security group as ours. Neutron keeps 255 characters. */
export function groupMark(owner: Owner): string {
  return `multicloud cluster=${owner.cluster} site=${owner.site}`;
}

/** The description of what a machine has in Neutron for itself. */
export function nodeMark(owner: Owner, node: string): string {
  return `${groupMark(owner)} node=${node}`;
}

/** Whether this is the description of something that one of the site's machines has, or had. */
export function isNodeMark(owner: Owner, description: string): boolean {
  return description.startsWith(`${groupMark(owner)} node=`);
}

/** The groups that carry our mark, in an order that every call agrees on: the first one is used should there be several. */
export function ourGroups(owner: Owner, groups: readonly SecurityGroup[]): SecurityGroup[] {
  return groups
    .filter((group) => group.name === sharedName(owner) && group.description === groupMark(owner))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

/**
 * The public key with our mark as its comment. A key pair has no other place for one, and Nova keeps the
 * comment.
 */
export function markedPublicKey(owner: Owner, publicKey: string): string {
  return `${keyOf(publicKey)} ${keyMark(owner)}`;
}

/** Whether a key pair carries our mark. */
export function isOurKeypair(owner: Owner, keypair: Keypair): boolean {
  return keypair.name === sharedName(owner) && keypair.public_key.trim().endsWith(` ${keyMark(owner)}`);
}

/** Type and key of a public key in OpenSSH's one-line form, without its comment. */
export function keyOf(publicKey: string): string {
  return publicKey.trim().split(/\s+/).slice(0, 2).join(" ");
}

function keyMark(owner: Owner): string {
  return `multicloud:${owner.cluster}/${owner.site}`;
}

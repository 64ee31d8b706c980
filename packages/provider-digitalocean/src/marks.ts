import type { MachineRole, SiteContext } from "@multicloud/core/plugin";

type Site = Pick<SiteContext, "cluster" | "site">;

// Cluster and site are DNS labels, so `:` (tags, key names) and `.` (firewall names) cannot be part of them
// and a mark belongs to one cluster and site only. A hyphen could not tell `a-b` + `c` from `a` + `b-c`.

/** The tag that says a thing is ours. */
export const siteTag = ({ cluster, site }: Site) => `multicloud:${cluster}:${site}`;

/** Name of the site's SSH key, when the site made it. */
export const keyName = (site: Site) => siteTag(site);

/** Name of the site's firewall. Firewall names take letters, digits, dots and hyphens. */
export const firewallName = ({ cluster, site }: Site) => `multicloud.${cluster}.${site}`;

/** True for the name of a key made by some site of this cluster. */
export const isKeyOfCluster = ({ cluster }: Pick<Site, "cluster">, name: string) =>
  name.startsWith(`multicloud:${cluster}:`);

/** True for the name of a key made by a site of any cluster. */
export const isKeyOfOurs = (name: string) => /^multicloud:[a-z0-9-]+:[a-z0-9-]+$/.test(name);

/** The tag by which a site says that it uses an SSH key, so that the last site can tell that it is the last. */
export const keyTag = (site: Site, fingerprint: string) =>
  `${siteTag(site)}:key:${fingerprint.replaceAll(":", "")}`;

/** The fingerprint that a key tag of any of our sites names. */
export function fingerprintOfKeyTag(tag: string): string | undefined {
  const hex = /^multicloud:[^:]+:[^:]+:key:([0-9a-f]{32})$/.exec(tag)?.[1];
  return hex?.match(/../g)?.join(":");
}

/** The tag of a droplet whose reserved address is the site's. */
export const reservedIpTag = (site: Site) => `${siteTag(site)}:reserved-ip`;

/** The tag of a droplet that was made with a volume, and of the volume. */
export const volumeTag = (site: Site) => `${siteTag(site)}:volume`;

/** The tag that names a reserved IPv4 address of the site: addresses take no tags themselves. */
export const ipTag = (site: Site, ip: string) => `${siteTag(site)}:ip:${ip.replaceAll(".", "-")}`;

/** The address that a tag of the site names. */
export function ipOfTag(site: Site, tag: string): string | undefined {
  const prefix = `${siteTag(site)}:ip:`;
  if (!tag.startsWith(prefix)) return undefined;
  return /^\d+(-\d+){3}$/.test(tag.slice(prefix.length))
    ? tag.slice(prefix.length).replaceAll("-", ".")
    : undefined;
}

/** True for the site's own tags. */
export const isTagOf = (site: Site, tag: string) =>
  tag === siteTag(site) || tag.startsWith(`${siteTag(site)}:`);

// A tag has at most 255 characters, the mark up to 65 of them; a longer spec is cut over several tags.
const specPart = 150;

/** The tags of a machine. Its name is its droplet's, so that machines made in one request can differ in it. */
export function machineTags(
  site: Site,
  role: MachineRole,
  spec: string,
  has: { readonly reservedIp?: boolean; readonly volume?: boolean } = {},
): string[] {
  const parts = spec.match(new RegExp(`.{1,${specPart}}`, "g")) ?? [];
  const mark = siteTag(site);
  return [
    mark,
    `${mark}:role:${role}`,
    ...parts.map((part, index) => `${mark}:spec${index || ""}:${part}`),
    ...(has.reservedIp ? [reservedIpTag(site)] : []),
    ...(has.volume ? [volumeTag(site)] : []),
  ];
}

/** Role and spec from a droplet's tags; the role falls back on the name, a missing spec is empty. */
export function readMachineTags(
  site: Site,
  name: string,
  tags: readonly string[],
): { role: MachineRole; spec: string } {
  const mark = siteTag(site);
  const value = (field: string) => {
    const prefix = `${mark}:${field}:`;
    return tags.find((tag) => tag.startsWith(prefix))?.slice(prefix.length);
  };
  const role = value("role") ?? /-(master|worker|gateway)-\d+$/.exec(name)?.[1];
  let spec = value("spec") ?? "";
  for (let index = 1, part = value("spec1"); part !== undefined; part = value(`spec${++index}`)) spec += part;
  return { role: role === "master" || role === "gateway" ? role : "worker", spec };
}

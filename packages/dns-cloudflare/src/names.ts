import { isIP } from "node:net";
import { domainToASCII } from "node:url";

// https://developers.cloudflare.com/dns/manage-dns-records/reference/record-attributes: comments of free zones.
export const longestComment = 100;

/** Where the API is. */
export const defaultBaseURL = "https://api.cloudflare.com/client/v4";

/** The comment of our records. */
export const mark = (cluster: string) => `multicloud:${cluster}`;

/** A domain name as Cloudflare keeps it: lower case, Punycode, no final dot. */
export const canonicalName = (name: string) => domainToASCII(name.trim().replace(/\.$/, "")).toLowerCase();

/** The complete name of a record that is given relative to its zone, as `@`, or completely. */
export function fullName(zone: string, record: string): string {
  const apex = canonicalName(zone);
  if (record === "@") return apex;
  const name = canonicalName(record);
  return name === apex || name.endsWith(`.${apex}`) ? name : `${name}.${apex}`;
}

/** What keeps a complete name from being one; `undefined` when nothing does. */
export function nameProblem(name: string): string | undefined {
  if (name.length > 253) return "the name is longer than 253 characters";
  const bad = name
    .split(".")
    .find(
      (label, index) =>
        !(index === 0 && label === "*") && !/^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label),
    );
  if (bad === undefined) return undefined;
  if (bad.includes("*")) return "a wildcard is a whole label and the first one";
  return `${JSON.stringify(bad)} is no label of a domain name`;
}

/** An IP address in its shortest form, as Cloudflare gives it back; `undefined` for what is none. */
export function canonicalAddress(address: string): string | undefined {
  const version = isIP(address);
  if (version === 4) return address;
  if (version === 6 && !address.includes("%")) return new URL(`http://[${address}]`).hostname.slice(1, -1);
  return undefined;
}

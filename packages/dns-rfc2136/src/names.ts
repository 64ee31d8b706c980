import { isIP } from "node:net";
import { domainToASCII } from "node:url";

/** A domain name as it is compared: lower case, Punycode, no final dot. */
export const canonicalName = (name: string) => domainToASCII(name.trim().replace(/\.$/, "")).toLowerCase();

/** The complete name of a record that is given relative to its zone, as `@`, or completely. */
export function fullName(zone: string, record: string): string {
  const apex = canonicalName(zone);
  if (record.trim() === "@") return apex;
  const name = canonicalName(record);
  return name === apex || name.endsWith(`.${apex}`) ? name : `${name}.${apex}`;
}

/** What keeps a complete name from being one (RFC 1035 §2.3.4, RFC 4592 §2.1.1); `undefined` when nothing does. */
export function nameProblem(name: string): string | undefined {
  if (name === "") return "a name is needed";
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

/** An IP address in its shortest form; `undefined` for what is none. */
export function canonicalAddress(address: string): string | undefined {
  const version = isIP(address);
  if (version === 4) return address;
  if (version === 6 && !address.includes("%")) return new URL(`http://[${address}]`).hostname.slice(1, -1);
  return undefined;
}

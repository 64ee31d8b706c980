import type { DnsRecord, Zone } from "./store.js";

/** What visitors get for a proxied record: an address of Cloudflare's edge (in its published range 104.16.0.0/13). */
export const edgeAddress = "104.16.0.1";

/** What public DNS would answer for A and AAAA: aliases followed, wildcards as in RFC 4592, sorted. */
export function resolve(zones: readonly Zone[], name: string, depth = 0): readonly string[] {
  const wanted = name.toLowerCase().replace(/\.$/, "");
  const zone = zones.find((known) => wanted === known.name || wanted.endsWith(`.${known.name}`));
  if (!zone || depth > 8) return [];
  const found = recordsFor(zone, wanted).filter(({ type }) => ["A", "AAAA", "CNAME"].includes(type));
  const addresses = found.flatMap((record) => {
    if (record.proxied) return [edgeAddress];
    return record.type === "CNAME" ? resolve(zones, record.content, depth + 1) : [record.content];
  });
  return [...new Set(addresses)].sort();
}

function recordsFor(zone: Zone, name: string): DnsRecord[] {
  const records = [...zone.records.values()];
  // A name exists when it has records or when a longer one below it has.
  const exists = (owner: string) =>
    owner === zone.name ||
    records.some((record) => record.name === owner || record.name.endsWith(`.${owner}`));
  if (exists(name)) return records.filter((record) => record.name === name);
  let encloser = name;
  do encloser = encloser.slice(encloser.indexOf(".") + 1);
  while (!exists(encloser));
  return records.filter((record) => record.name === `*.${encloser}`);
}

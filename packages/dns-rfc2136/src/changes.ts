import { isIP } from "node:net";
import { markName, markStrings } from "./mark.js";
import type { Records } from "./records.js";
import type { UpdateLine } from "./wire.js";

/** One UPDATE message: what must hold, and what is then changed, all at once. */
export interface Change {
  readonly prerequisites: readonly UpdateLine[];
  readonly updates: readonly UpdateLine[];
}

/** How the record is to be. */
export interface Wanted {
  readonly record: string;
  readonly cluster: string;
  readonly zone: string;
  /** In their shortest form, without doubles. */
  readonly addresses: readonly string[];
  readonly ttl: number;
}

const families = ["A", "AAAA"] as const;
const typeOf = (address: string) => (isIP(address) === 6 ? "AAAA" : "A");
const same = (left: readonly string[], right: readonly string[]) => left.join() === right.join();

/** Makes the record, or brings ours to the wanted addresses; `undefined` when all is as wanted. */
export function changeTo(records: Records, wanted: Wanted): Change | undefined {
  const { record, ttl } = wanted;
  const updates = families.flatMap((type): UpdateLine[] => {
    const found = records.mark ? records[type] : { addresses: [] };
    const addresses = wanted.addresses.filter((address) => typeOf(address) === type).sort();
    if (same(found.addresses, addresses) && (found.ttl ?? ttl) === ttl) return [];
    const emptied = found.addresses.length > 0 ? [{ name: record, type, class: "ANY" } as const] : [];
    return [
      ...emptied,
      ...addresses.map((data) => ({ name: record, type, class: "IN", ttl, data }) as const),
    ];
  });
  const strings = markStrings({ cluster: wanted.cluster, addresses: wanted.addresses });
  const { mark } = records;
  if (!mark || !same(mark.strings, strings) || mark.ttl !== ttl) {
    const at = { name: markName(record), type: "TXT" } as const;
    if (mark) updates.push({ ...at, class: "NONE", data: mark.strings });
    updates.push({ ...at, class: "IN", ttl, data: strings });
  }
  return updates.length === 0 ? undefined : { prerequisites: asRead(records, wanted), updates };
}

/** Removes what the mark lists, and the mark; `undefined` when there is no mark of this cluster. */
export function removal(records: Records, record: string): Change | undefined {
  const { mark } = records;
  if (!mark) return undefined;
  const listed = mark.addresses.filter((address) => isIP(address) !== 0);
  const at = { name: markName(record), type: "TXT", data: mark.strings } as const;
  return {
    prerequisites: [{ ...at, class: "IN" }],
    updates: [
      ...listed.map((data): UpdateLine => ({ name: record, type: typeOf(data), class: "NONE", data })),
      { ...at, class: "NONE" },
    ],
  };
}

/** Changes nothing, but is refused where making the record would be: the name is taken, or the key may not write it. */
export function rehearsal(wanted: Pick<Wanted, "record" | "zone">): Change {
  const { record } = wanted;
  const gone = (name: string, type: UpdateLine["type"], data: UpdateLine["data"] & {}): UpdateLine => ({
    name,
    type,
    class: "NONE",
    data,
  });
  return {
    prerequisites: asRead({ A: { addresses: [] }, AAAA: { addresses: [] } }, wanted),
    // Deleting a record that does not exist is no change (RFC 2136 §3.4.2.4).
    updates: [
      gone(record, "A", "0.0.0.0"),
      gone(record, "AAAA", "::"),
      gone(markName(record), "TXT", ["multicloud rehearsal"]),
    ],
  };
}

/**
 * Says what was read as prerequisites (RFC 2136 §2.4), so that a change in between makes ours fail. They are
 * judged on the zone itself, where no wildcard answers for another name. Without a mark nothing of the name may exist:
 * an address beside a CNAME would be ignored in silence (§3.4.2.2).
 */
function asRead(records: Records, { record, zone }: Pick<Wanted, "record" | "zone">): UpdateLine[] {
  const { mark } = records;
  const none = (name: string, type: UpdateLine["type"]): UpdateLine => ({ name, type, class: "NONE" });
  const lines: UpdateLine[] = mark
    ? [{ name: markName(record), type: "TXT", class: "IN", data: mark.strings }]
    : [none(markName(record), "TXT")];
  for (const type of families) {
    const addresses = mark ? records[type].addresses : [];
    if (addresses.length === 0) lines.push(none(record, type));
    for (const data of addresses) lines.push({ name: record, type, class: "IN", data });
  }
  lines.push(none(record, "CNAME"));
  if (record !== zone) lines.push(none(record, "NS"));
  return lines;
}

import { type Mark, markName, parseMark } from "./mark.js";
import { canonicalAddress, canonicalName } from "./names.js";
import type { Server } from "./server.js";
import type { Reply } from "./wire.js";

/** Addresses of one type at a name, with the time that resolvers may keep them. */
export interface AddressSet {
  readonly addresses: readonly string[];
  /** Seconds; `undefined` without addresses. */
  readonly ttl?: number;
}

/** What a zone has at a record's name and at its mark's. */
export interface Records {
  readonly A: AddressSet;
  readonly AAAA: AddressSet;
  /** Our kind of mark, of whatever cluster. */
  readonly mark?: Mark & { readonly strings: readonly string[]; readonly ttl: number };
  /** Something else where the mark should be; perhaps only a wildcard's. */
  readonly strangeMark?: string;
  /** Where a CNAME leads. Without a mark it may come from a wildcard. */
  readonly alias?: string;
  /** The server that the name, or one above it, is handed on to. */
  readonly delegatedTo?: string;
}

/**
 * Reads a record and its mark. Three questions are no snapshot: what is decided on them has to be said again
 * as the prerequisites of a change.
 */
export async function readRecords(server: Server, record: string): Promise<Records> {
  const atMark = await server.query(markName(record), "TXT");
  const v4 = await server.query(record, "A");
  const v6 = await server.query(record, "AAAA");
  const alias = v4.answers.find((answer) => answer.type === "CNAME");
  const delegation = v4.isAuthoritative ? undefined : v4.authorities.find((answer) => answer.type === "NS");
  return {
    A: addressSet(v4, "A", record),
    AAAA: addressSet(v6, "AAAA", record),
    ...markIn(atMark),
    ...(alias?.type === "CNAME" ? { alias: alias.data } : {}),
    ...(delegation?.type === "NS" ? { delegatedTo: delegation.data } : {}),
  };
}

function addressSet(reply: Reply, type: "A" | "AAAA", record: string): AddressSet {
  const found = reply.answers.flatMap((answer) =>
    answer.type === type && canonicalName(answer.name) === record ? [answer] : [],
  );
  const ttls = found.map(({ ttl }) => ttl ?? 0);
  return {
    addresses: found.map(({ data }) => canonicalAddress(data) ?? data).sort(),
    ...(ttls.length > 0 ? { ttl: Math.min(...ttls) } : {}),
  };
}

function markIn(reply: Reply): Pick<Records, "mark" | "strangeMark"> {
  const texts = reply.answers.flatMap((answer) => (answer.type === "TXT" ? [answer] : []));
  const [text] = texts;
  if (!text) return {};
  const strings = (Array.isArray(text.data) ? text.data : [text.data]).map(String);
  const mark = texts.length === 1 ? parseMark(strings) : undefined;
  if (!mark) return { strangeMark: strings.join(" ") };
  const addresses = mark.addresses.map((address) => canonicalAddress(address) ?? address);
  return { mark: { ...mark, addresses, strings, ttl: text.ttl ?? 0 } };
}

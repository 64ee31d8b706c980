/**
 * A record has no room for a comment, so a TXT record beside it says whose it is and which addresses were
 * written: `"multicloud:<cluster>" "198.51.100.7" "2001:db8::1"`. An address that it does not list is somebody
 * else's. It stands at a name of its own, so that nobody else's TXT record is ever in its RRset, and below the
 * record's name, so that this name exists: no wildcard above it can answer in its place (RFC 4592 §2.2.1).
 */
export interface Mark {
  readonly cluster: string;
  readonly addresses: readonly string[];
}

const prefix = "multicloud:";

/** Where the mark of a record stands. A wildcard's stands beside it: below, the asterisk would be an ordinary label. */
export const markName = (record: string) =>
  record.startsWith("*.") ? `_multicloud-wildcard.${record.slice(2)}` : `_multicloud.${record}`;

/** The strings of a mark's TXT record. */
export const markStrings = ({ cluster, addresses }: Mark): readonly string[] => [
  `${prefix}${cluster}`,
  ...[...addresses].sort(),
];

/** The mark in a TXT record's strings; `undefined` when it is none. */
export function parseMark(strings: readonly string[]): Mark | undefined {
  const [first, ...addresses] = strings;
  if (!first?.startsWith(prefix) || first.length === prefix.length) return undefined;
  return { cluster: first.slice(prefix.length), addresses };
}

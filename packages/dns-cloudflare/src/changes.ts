import { isIP } from "node:net";

/** A record as the API gives it, as far as it is read here. */
export interface DnsRecord {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly content: string;
  readonly ttl: number;
  readonly proxied: boolean;
  readonly comment: string | undefined;
}

/** How our records are to be, besides their addresses. */
export interface RecordSettings {
  readonly name: string;
  readonly comment: string;
  /** Seconds; 1 is automatic. */
  readonly ttl: number;
  readonly proxied: boolean;
}

type AddressRecord = RecordSettings & { readonly type: "A" | "AAAA"; readonly content: string };

/** One transaction. */
export interface Changes {
  readonly deletes: readonly { readonly id: string }[];
  readonly patches: readonly (AddressRecord & { readonly id: string })[];
  readonly posts: readonly AddressRecord[];
}

/** True when there is nothing to write. */
export const isEmpty = (changes: Changes) =>
  changes.deletes.length + changes.patches.length + changes.posts.length === 0;

/**
 * The fewest operations that make our records of a name have exactly these addresses: right ones stay,
 * wrong ones are turned into missing ones of their type, the rest is made or deleted.
 */
export function changesTo(
  ours: readonly DnsRecord[],
  addresses: readonly string[],
  settings: RecordSettings,
): Changes {
  // Cloudflare serves proxied records with a TTL of its own and always gives it back as 1.
  const ttl = settings.proxied ? 1 : settings.ttl;
  const wanted = new Map(
    [...new Set(addresses)].map((content): [string, AddressRecord] => {
      const type = isIP(content) === 6 ? "AAAA" : "A";
      return [content, { ...settings, ttl, type, content }];
    }),
  );
  const patches: (AddressRecord & { id: string })[] = [];
  const spare: DnsRecord[] = [];
  for (const record of ours) {
    const same = wanted.get(record.content);
    if (!same || same.type !== record.type) {
      spare.push(record);
      continue;
    }
    wanted.delete(record.content);
    if (record.ttl !== ttl || record.proxied !== settings.proxied) patches.push({ ...same, id: record.id });
  }
  const deletes: { id: string }[] = [];
  for (const record of spare) {
    const missing = [...wanted.values()].find((each) => each.type === record.type);
    if (missing) {
      wanted.delete(missing.content);
      patches.push({ ...missing, id: record.id });
    } else {
      deletes.push({ id: record.id });
    }
  }
  return { deletes, patches, posts: [...wanted.values()] };
}

import { isIP } from "node:net";
import { domainToASCII } from "node:url";
import { invalid, refuse } from "./envelope.js";
import type { DnsRecord, Store, Zone } from "./store.js";

const proxiable = ["A", "AAAA", "CNAME"];
const types = [...proxiable, "CAA", "HTTPS", "MX", "NS", "PTR", "SRV", "SVCB", "TXT"];
const addressOrAlias = (type: string) => proxiable.includes(type);

const fields: Readonly<Record<string, (value: unknown) => boolean>> = {
  id: (value) => typeof value === "string",
  name: (value) => typeof value === "string",
  type: (value) => typeof value === "string",
  content: (value) => typeof value === "string",
  ttl: Number.isInteger,
  proxied: (value) => typeof value === "boolean",
  comment: (value) => value === null || typeof value === "string",
  tags: (value) => Array.isArray(value) && value.every((tag) => typeof tag === "string"),
  settings: (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  priority: Number.isInteger,
  data: (value) => typeof value === "object" && value !== null,
  private_routing: (value) => typeof value === "boolean",
};

/** A record as a caller writes it. */
export type RecordInput = Partial<Omit<DnsRecord, "comment">> & { readonly comment?: string | null };

/** Checks names and types of the fields; throws the service's answer to what is wrong. */
export function readRecord(body: unknown): RecordInput {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw refuse(400, 9207, "Request body is invalid.");
  }
  for (const [name, value] of Object.entries(body)) {
    const check = fields[name];
    if (!check) throw invalid(9207, `unknown field "${name}"`);
    if (!check(value)) throw invalid(9207, `field "${name}" has the wrong type`);
  }
  return body as RecordInput;
}

/** The record that a body makes, on top of `base` for a PATCH; throws what the service says of a bad one. */
export function buildRecord(
  store: Store,
  zone: Zone,
  input: RecordInput,
  identity: { readonly id: string; readonly createdOn: string },
  base?: DnsRecord,
): DnsRecord {
  const type = input.type ?? base?.type;
  if (type === undefined || !types.includes(type)) throw invalid(9004, "Invalid record type.");
  const name = input.name === undefined ? base?.name : fullName(zone, input.name);
  if (name === undefined) throw invalid(9000, "DNS name is invalid.");
  const content = contentOf(type, input.content ?? base?.content);
  const proxied = input.proxied ?? base?.proxied ?? false;
  if (proxied && !addressOrAlias(type)) throw invalid(9041, "This record type cannot be proxied.");
  if (proxied && isPrivate(content)) {
    throw invalid(9003, `Target ${content} is not allowed for a proxied record.`);
  }
  const ttl = input.ttl ?? base?.ttl ?? 1;
  if (ttl !== 1 && (ttl < 60 || ttl > 86_400)) {
    throw invalid(9021, "Invalid TTL. Must be between 60 and 86400 seconds, or 1 for Automatic.");
  }
  const comment = input.comment === undefined ? base?.comment : (input.comment ?? undefined);
  if (comment !== undefined && (comment.length > 100 || /[\r\n]/.test(comment))) {
    throw invalid(9223, "Comment must be one line of at most 100 characters.");
  }
  if (input.tags?.length) throw invalid(9224, "Tags are not available on this plan.");
  const priority = input.priority ?? base?.priority;
  return {
    id: identity.id,
    createdOn: identity.createdOn,
    modifiedOn: store.timestamp(),
    name,
    type,
    content,
    proxied,
    ttl: proxied ? 1 : ttl,
    tags: [],
    settings: input.settings ?? base?.settings ?? {},
    ...(comment === undefined || comment === "" ? {} : { comment }),
    ...(priority === undefined ? {} : { priority }),
  };
}

/** Throws when a record cannot stand beside the others. */
export function checkConflicts(
  records: Iterable<DnsRecord>,
  record: DnsRecord,
  write: "create" | "update",
): void {
  for (const other of records) {
    if (other.id === record.id || other.name !== record.name) continue;
    if (other.type === record.type && other.content === record.content) {
      if (write === "create") throw refuse(400, 81058, "An identical record already exists.");
      throw refuse(400, 81057, "The record already exists.");
    }
    if (record.type === "CNAME" && addressOrAlias(other.type)) {
      throw refuse(400, 81053, "An A, AAAA, or CNAME record with that host already exists.");
    }
    if (other.type === "CNAME" && addressOrAlias(record.type)) {
      throw refuse(400, 81054, "A CNAME record with that host already exists.");
    }
    if ((other.type === "NS") !== (record.type === "NS")) {
      throw refuse(400, 81056, "NS records with that host already exist.");
    }
  }
}

/** Names are complete, relative to the zone, or `@`; they are kept in lower case and Punycode. */
function fullName(zone: Zone, given: string): string {
  const name = domainToASCII(given.replace(/\.$/, "")).toLowerCase();
  const full =
    given === "@"
      ? zone.name
      : name === zone.name || name.endsWith(`.${zone.name}`)
        ? name
        : `${name}.${zone.name}`;
  const labels = full.split(".");
  const good = labels.every(
    (label, index) => (index === 0 && label === "*") || /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label),
  );
  if ((given !== "@" && name === "") || full.length > 253 || !good)
    throw invalid(9000, "DNS name is invalid.");
  return full;
}

function contentOf(type: string, content: string | undefined): string {
  if (type === "A" && isIP(content ?? "") !== 4) {
    throw invalid(9005, "Content for A record must be a valid IPv4 address.");
  }
  if (type === "AAAA" && isIP(content ?? "") !== 6) {
    throw invalid(9006, "Content for AAAA record must be a valid IPv6 address.");
  }
  if (!content) throw invalid(9007, `Content for ${type} record is invalid.`);
  return type === "AAAA" ? new URL(`http://[${content}]`).hostname.slice(1, -1) : content;
}

function isPrivate(address: string): boolean {
  return /^(10\.|127\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|f[cd]|::1$)/i.test(address);
}

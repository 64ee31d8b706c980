import { type Answer, AUTHORITATIVE_ANSWER, decode, encode, TRUNCATED_RESPONSE } from "dns-packet";
import { encodeName, headerBytes, uint16 } from "./bytes.js";

/** Types of records that are asked for or written here, with their numbers. */
export const recordTypes = { A: 1, NS: 2, CNAME: 5, SOA: 6, TXT: 16, AAAA: 28 } as const;

/** A type by name. */
export type RecordType = keyof typeof recordTypes;

const classes = { IN: 1, NONE: 254, ANY: 255 } as const;

/**
 * One line of the prerequisite or update section of an UPDATE; what it means depends on section, class and
 * whether there is data (RFC 2136 §2.4 and §2.5).
 */
export interface UpdateLine {
  readonly name: string;
  readonly type: RecordType;
  readonly class: keyof typeof classes;
  readonly ttl?: number;
  /** An address, or the strings of a TXT record. Default: none. */
  readonly data?: string | readonly string[];
}

/** An answer to a query, as far as it is read here. */
export interface Reply {
  readonly isAuthoritative: boolean;
  readonly isTruncated: boolean;
  readonly answers: readonly Answer[];
  readonly authorities: readonly Answer[];
}

/** A query for one type at one name, with no recursion asked for: only what the server itself has counts. */
export function encodeQuery(id: number, name: string, type: RecordType): Buffer {
  return Buffer.from(encode({ type: "query", id, flags: 0, questions: [{ name, type, class: "IN" }] }));
}

/**
 * An UPDATE of one zone (RFC 2136 §2). The library has neither the class NONE nor records without data, so
 * the lines are put together here.
 */
export function encodeUpdate(
  id: number,
  zone: string,
  prerequisites: readonly UpdateLine[],
  updates: readonly UpdateLine[],
): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt16BE(id, 0);
  header.writeUInt16BE(5 << 11, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(prerequisites.length, 6);
  header.writeUInt16BE(updates.length, 8);
  const question = Buffer.concat([encodeName(zone), uint16(recordTypes.SOA), uint16(classes.IN)]);
  return Buffer.concat([header, question, ...[...prerequisites, ...updates].map(encodeLine)]);
}

function encodeLine({ name, type, class: klass, ttl = 0, data }: UpdateLine): Buffer {
  const rdata = data === undefined ? Buffer.alloc(0) : encodeData(type, data);
  const seconds = Buffer.alloc(4);
  seconds.writeUInt32BE(ttl);
  return Buffer.concat([
    encodeName(name),
    uint16(recordTypes[type]),
    uint16(classes[klass]),
    seconds,
    uint16(rdata.length),
    rdata,
  ]);
}

/** The data of a record: what the library writes behind an otherwise empty message's header, root name and fixed fields. */
function encodeData(type: RecordType, data: string | readonly string[]): Buffer {
  const answer = { name: ".", type, data: typeof data === "string" ? data : [...data] } as Answer;
  return Buffer.from(encode({ type: "response", answers: [answer] })).subarray(headerBytes + 11);
}

/** The id of a message. */
export const idOf = (message: Buffer) => message.readUInt16BE(0);

/** The response code of a message, without EDNS's upper bits: no EDNS is ever sent from here. */
export const rcodeOf = (message: Buffer) => message.readUInt16BE(2) & 0xf;

/** Reads an answer whose TSIG record has been taken off. Throws what the library throws for a broken message. */
export function decodeReply(message: Buffer): Reply {
  const { flags = 0, answers = [], authorities = [] } = decode(message);
  return {
    isAuthoritative: (flags & AUTHORITATIVE_ANSWER) !== 0,
    isTruncated: (flags & TRUNCATED_RESPONSE) !== 0,
    answers,
    authorities,
  };
}

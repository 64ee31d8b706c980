import { createHmac, timingSafeEqual } from "node:crypto";
import { encodeName, headerBytes, uint16 } from "./bytes.js";

/** HMACs of RFC 8945 §6 that may still be used, with Node's names for them. MD5 must not be (§6), truncated ones are not understood here. */
export const tsigAlgorithms = {
  "hmac-sha1": "sha1",
  "hmac-sha224": "sha224",
  "hmac-sha256": "sha256",
  "hmac-sha384": "sha384",
  "hmac-sha512": "sha512",
} as const;

/** An algorithm by its name in DNS. */
export type TsigAlgorithm = keyof typeof tsigAlgorithms;

/** A key that both sides know. */
export interface TsigKey {
  readonly name: string;
  readonly algorithm: TsigAlgorithm;
  readonly secret: Uint8Array;
}

/** The TSIG record of an answer (RFC 8945 §4.2). */
export interface TsigRecord {
  /** Name of the key. */
  readonly name: string;
  readonly algorithm: string;
  /** Seconds since 1970. */
  readonly time: number;
  readonly fudge: number;
  readonly mac: Buffer;
  readonly originalId: number;
  readonly error: number;
  readonly other: Buffer;
}

/** Seconds by which two clocks may differ (RFC 8945 §10 recommends 300). */
const fudgeSeconds = 300;

const tsigType = 250;
const classAny = 255;

/** Adds a TSIG record to a request. */
export function signRequest(
  message: Buffer,
  key: TsigKey,
  time: number,
): { readonly signed: Buffer; readonly mac: Buffer } {
  const fields = { time, fudge: fudgeSeconds, error: 0, other: Buffer.alloc(0) };
  const mac = hmac(key, [message, variables(key, fields)]);
  return { signed: appendTsig(message, key, { ...fields, mac }), mac };
}

/** Adds a TSIG record with a MAC that is there already: what both sides of an exchange do. */
export function appendTsig(
  message: Buffer,
  key: Pick<TsigKey, "name" | "algorithm">,
  fields: Pick<TsigRecord, "time" | "fudge" | "mac" | "error" | "other">,
): Buffer {
  const rdata = Buffer.concat([
    encodeName(key.algorithm),
    uint48(fields.time),
    uint16(fields.fudge),
    uint16(fields.mac.length),
    fields.mac,
    message.subarray(0, 2),
    uint16(fields.error),
    uint16(fields.other.length),
    fields.other,
  ]);
  const record = [encodeName(key.name), uint16(tsigType), uint16(classAny), Buffer.alloc(4)];
  const signed = Buffer.concat([message, ...record, uint16(rdata.length), rdata]);
  signed.writeUInt16BE(message.readUInt16BE(10) + 1, 10);
  return signed;
}

/** The MAC of an answer: of the request's MAC, the message and the TSIG variables (RFC 8945 §5.3). */
export function answerMac(
  key: TsigKey,
  requestMac: Buffer,
  message: Buffer,
  fields: Pick<TsigRecord, "time" | "fudge" | "error" | "other">,
): Buffer {
  return hmac(key, [uint16(requestMac.length), requestMac, message, variables(key, fields)]);
}

/** Whether an answer was made by somebody who has the key, for this request. Its time is not judged here. */
export function isGenuine(key: TsigKey, requestMac: Buffer, message: Buffer, tsig: TsigRecord): boolean {
  if (tsig.name !== key.name.toLowerCase() || tsig.algorithm !== key.algorithm) return false;
  const expected = answerMac(key, requestMac, message, tsig);
  return expected.length === tsig.mac.length && timingSafeEqual(expected, tsig.mac);
}

/**
 * Takes the TSIG record off a message, which must be the last of all (RFC 8945 §5.1). The message that is left
 * is what was signed: one additional record less, and the original id.
 *
 * @throws RangeError when the message is cut short
 */
export function splitTsig(signed: Buffer): { readonly message: Buffer; readonly tsig?: TsigRecord } {
  const [questions, ...sections] = [4, 6, 8, 10].map((at) => signed.readUInt16BE(at)) as [
    number,
    ...number[],
  ];
  let at = headerBytes;
  for (let index = 0; index < questions; index++) at = endOfName(signed, at) + 4;
  let last = at;
  for (let left = sections.reduce((sum, count) => sum + count, 0); left > 0; left--) {
    last = at;
    const fixed = endOfName(signed, at);
    at = fixed + 10 + signed.readUInt16BE(fixed + 8);
  }
  if (at > signed.length) throw new RangeError("a message ends within a record");
  const fixed = last === at ? undefined : endOfName(signed, last);
  const additionals = sections[2] ?? 0;
  if (additionals === 0 || fixed === undefined || signed.readUInt16BE(fixed) !== tsigType)
    return { message: signed };
  const tsig = { name: nameAt(signed, last), ...readData(signed, fixed + 10) };
  const message = Buffer.from(signed.subarray(0, last));
  message.writeUInt16BE(additionals - 1, 10);
  message.writeUInt16BE(tsig.originalId, 0);
  return { message, tsig };
}

function readData(signed: Buffer, start: number): Omit<TsigRecord, "name"> {
  let at = endOfName(signed, start);
  const algorithm = nameAt(signed, start);
  const time = signed.readUIntBE(at, 6);
  const fudge = signed.readUInt16BE(at + 6);
  const macBytes = signed.readUInt16BE(at + 8);
  at += 10;
  const mac = signed.subarray(at, at + macBytes);
  at += macBytes;
  const otherBytes = signed.readUInt16BE(at + 4);
  return {
    algorithm,
    time,
    fudge,
    mac,
    originalId: signed.readUInt16BE(at),
    error: signed.readUInt16BE(at + 2),
    other: signed.subarray(at + 6, at + 6 + otherBytes),
  };
}

/** Names in a TSIG record are not compressed (RFC 8945 §4.2), but its owner name may be by old servers. */
function nameAt(message: Buffer, start: number): string {
  const labels: string[] = [];
  let at = start;
  for (let jumps = 0; ; ) {
    const length = message.readUInt8(at);
    if (length === 0) return labels.join(".").toLowerCase();
    if (length >= 0xc0) {
      if (++jumps > 16) throw new RangeError("a name that points in circles");
      at = message.readUInt16BE(at) & 0x3fff;
      continue;
    }
    labels.push(message.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
}

function endOfName(message: Buffer, start: number): number {
  for (let at = start; ; ) {
    const length = message.readUInt8(at);
    if (length === 0) return at + 1;
    if (length >= 0xc0) return at + 2;
    at += 1 + length;
  }
}

/** RFC 8945 §4.3.3. */
function variables(
  key: Pick<TsigKey, "name" | "algorithm">,
  { time, fudge, error, other }: Pick<TsigRecord, "time" | "fudge" | "error" | "other">,
): Buffer {
  return Buffer.concat([
    encodeName(key.name),
    uint16(classAny),
    Buffer.alloc(4),
    encodeName(key.algorithm),
    uint48(time),
    uint16(fudge),
    uint16(error),
    uint16(other.length),
    other,
  ]);
}

function hmac(key: TsigKey, parts: readonly Buffer[]): Buffer {
  const mac = createHmac(tsigAlgorithms[key.algorithm], key.secret);
  for (const part of parts) mac.update(part);
  return mac.digest();
}

function uint48(value: number): Buffer {
  const buffer = Buffer.alloc(6);
  buffer.writeUIntBE(value, 0, 6);
  return buffer;
}

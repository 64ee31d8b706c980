/** Size of the header (RFC 1035 §4.1.1). */
export const headerBytes = 12;

/** A domain name without compression, in lower case (the canonical form of RFC 4034 §6.2). */
export function encodeName(name: string): Buffer {
  const labels = name.toLowerCase().split(".").filter(Boolean);
  return Buffer.concat([
    ...labels.map((label) => Buffer.from([label.length, ...Buffer.from(label, "latin1")])),
    Buffer.from([0]),
  ]);
}

/** Two bytes, the higher first. */
export function uint16(value: number): Buffer {
  const buffer = Buffer.alloc(2);
  buffer.writeUInt16BE(value);
  return buffer;
}

import { encodeName, headerBytes, uint16 } from "../src/bytes.js";

/** One line of a message: a record, or a condition or change of an UPDATE. */
export interface Line {
  readonly name: string;
  readonly type: number;
  readonly class: number;
  readonly ttl: number;
  /** In hexadecimal. */
  readonly data: string;
}

/** A line as it stands in a message. */
export function encodeLine({ name, type, class: klass, ttl, data }: Line): Buffer {
  const seconds = Buffer.alloc(4);
  seconds.writeUInt32BE(ttl);
  const rdata = Buffer.from(data, "hex");
  return Buffer.concat([encodeName(name), uint16(type), uint16(klass), seconds, uint16(rdata.length), rdata]);
}

/** Reads a request; ours compress no names. */
export function parseRequest(message: Buffer): { question: Line; sections: readonly [Line[], Line[]] } {
  let at = headerBytes;
  const name = () => {
    const labels: string[] = [];
    for (let length = message[at]!; length > 0; length = message[at]!) {
      labels.push(message.toString("latin1", at + 1, at + 1 + length));
      at += 1 + length;
    }
    at += 1;
    return labels.join(".");
  };
  const question = { name: name(), type: message.readUInt16BE(at), class: 1, ttl: 0, data: "" };
  at += 4;
  const lines = (count: number) =>
    Array.from({ length: count }, (): Line => {
      const owner = name();
      const [type, klass] = [message.readUInt16BE(at), message.readUInt16BE(at + 2)];
      const [ttl, length] = [message.readUInt32BE(at + 4), message.readUInt16BE(at + 8)];
      const data = message.toString("hex", at + 10, at + 10 + length);
      at += 10 + length;
      return { name: owner, type, class: klass, ttl, data };
    });
  return { question, sections: [lines(message.readUInt16BE(6)), lines(message.readUInt16BE(8))] };
}

/** Messages over TCP begin with their length (RFC 1035 §4.2.2). */
export const framed = (message: Buffer) => Buffer.concat([uint16(message.length), message]);

/** Takes the whole messages off what was received; gives what is left over too. */
export function unframe(received: Buffer): { readonly messages: readonly Buffer[]; readonly rest: Buffer } {
  const messages: Buffer[] = [];
  let rest = received;
  while (rest.length > 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
    const end = 2 + rest.readUInt16BE(0);
    messages.push(rest.subarray(2, end));
    rest = rest.subarray(end);
  }
  return { messages, rest };
}

import { connect, createServer, type Socket } from "node:net";
import type { CallContext, Report } from "@multicloud/core/plugin";
import { encodeName, uint16 } from "../src/bytes.js";
import { answerMac, appendTsig, splitTsig, type TsigKey } from "../src/tsig.js";

/** One line of a message: a record, or a condition or change of an UPDATE. */
interface Line {
  readonly name: string;
  readonly type: number;
  readonly class: number;
  readonly ttl: number;
  readonly data: string;
}

/** What goes wrong with the next message of a kind. */
export interface Faults {
  /** The connection ends before, or after, the next update took effect. */
  cutUpdate?: "before" | "after" | undefined;
  /** So many of the next messages are answered with SERVFAIL. */
  servfail?: number;
  /** How the next answers are spoilt. */
  answers?: "unsigned" | "tampered" | "other-key" | undefined;
  /** Runs before the next update is judged. */
  beforeUpdate?: (() => void) | undefined;
}

const soa = 6;
const [classIn, classNone, classAny] = [1, 254, 255];

/** A primary server of `example.com` in this process: RFC 2136 with TSIG over TCP, and ways to break it. */
export async function startNameServer(key: TsigKey) {
  /** `name type` → data in hexadecimal, with the TTL. */
  const sets = new Map<string, { ttl: number; data: Set<string> }>();
  const id = (line: Pick<Line, "name" | "type">) => `${line.name} ${line.type}`;
  const faults: Faults = {};
  const sockets = new Set<Socket>();
  const counts = { queries: 0, updates: 0, changes: 0 };

  function judge(prerequisites: readonly Line[]): number {
    const wanted = new Map<string, Set<string>>();
    for (const line of prerequisites) {
      const exists = sets.has(id(line));
      if (line.class === classNone && exists) return 7;
      if (line.class === classIn) wanted.set(id(line), (wanted.get(id(line)) ?? new Set()).add(line.data));
    }
    for (const [at, data] of wanted) {
      if ([...(sets.get(at)?.data ?? [])].sort().join() !== [...data].sort().join()) return 8;
    }
    return 0;
  }

  function apply(updates: readonly Line[]): void {
    const before = describeAll();
    for (const line of updates) {
      const at = id(line);
      if (line.class === classAny) sets.delete(at);
      if (line.class === classNone) sets.get(at)?.data.delete(line.data);
      if (line.class === classIn) {
        const set = sets.get(at) ?? { ttl: line.ttl, data: new Set() };
        sets.set(at, { ttl: line.ttl, data: set.data.add(line.data) });
      }
      if (sets.get(at)?.data.size === 0) sets.delete(at);
    }
    if (describeAll() !== before) counts.changes += 1;
  }

  const describeAll = () =>
    JSON.stringify([...sets].map(([at, { ttl, data }]) => [at, ttl, [...data].sort()]).sort());

  function answer(socket: Socket, request: Buffer): void {
    const { message, tsig } = splitTsig(request);
    const isUpdate = ((message[2]! >> 3) & 15) === 5;
    const { question, sections } = parse(message);
    let rcode = 0;
    let answers: readonly Line[] = [];
    if (faults.servfail) {
      faults.servfail -= 1;
      rcode = 2;
    } else if (isUpdate) {
      counts.updates += 1;
      const { cutUpdate, beforeUpdate } = faults;
      faults.beforeUpdate = undefined;
      faults.cutUpdate = undefined;
      beforeUpdate?.();
      if (cutUpdate === "before") return void socket.destroy();
      rcode = judge(sections[0]);
      if (rcode === 0) apply(sections[1]);
      if (cutUpdate === "after") return void socket.destroy();
    } else {
      counts.queries += 1;
      const set = sets.get(id(question));
      answers = [...(set?.data ?? [])].map((data) => ({ ...question, class: classIn, ttl: set!.ttl, data }));
      if (question.type === soa && question.name === "example.com")
        answers = [{ ...question, class: classIn, ttl: 60, data: `${"00".repeat(2)}${"00".repeat(20)}` }];
    }
    const plain = Buffer.concat([
      message.subarray(0, 2),
      Buffer.from([message[2]! | 0x84, rcode]),
      uint16(1),
      uint16(answers.length),
      Buffer.alloc(4),
      encodeName(question.name),
      uint16(question.type),
      uint16(classIn),
      ...answers.map(encode),
    ]);
    send(socket, spoil(plain, tsig!));
  }

  function spoil(plain: Buffer, request: NonNullable<ReturnType<typeof splitTsig>["tsig"]>): Buffer {
    if (faults.answers === "unsigned") return plain;
    const used = faults.answers === "other-key" ? { ...key, secret: Buffer.from("somebody else's") } : key;
    const fields = { time: request.time, fudge: 300, error: 0, other: Buffer.alloc(0) };
    const signed = appendTsig(plain, used, { ...fields, mac: answerMac(used, request.mac, plain, fields) });
    if (faults.answers === "tampered") signed[3] = signed[3]! ^ 3;
    return signed;
  }

  const server = createServer((socket) => {
    sockets.add(socket);
    let received = Buffer.alloc(0);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      while (received.length > 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const end = 2 + received.readUInt16BE(0);
        const request = received.subarray(2, end);
        received = received.subarray(end);
        answer(socket, request);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { readonly port: number };
  return {
    port,
    faults,
    counts,
    /** Data of a set, readable. */
    addresses: (name: string) =>
      [...(sets.get(`${name} 1`)?.data ?? [])].map((data) => [...Buffer.from(data, "hex")].join(".")).sort(),
    marks: (name: string) =>
      [...(sets.get(`${name} 16`)?.data ?? [])].map((data) => Buffer.from(data, "hex").toString("latin1")),
    put(name: string, type: number, data: Buffer) {
      sets.set(`${name} ${type}`, { ttl: 60, data: new Set([data.toString("hex")]) });
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function send(socket: Socket, message: Buffer): void {
  socket.write(Buffer.concat([uint16(message.length), message]));
}

function encode({ name, type, class: klass, ttl, data }: Line): Buffer {
  const seconds = Buffer.alloc(4);
  seconds.writeUInt32BE(ttl);
  const rdata = Buffer.from(data, "hex");
  return Buffer.concat([encodeName(name), uint16(type), uint16(klass), seconds, uint16(rdata.length), rdata]);
}

/** Reads a request; ours compress no names. */
function parse(message: Buffer): { question: Line; sections: readonly [Line[], Line[]] } {
  let at = 12;
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

/** A call's context with a plain TCP dialer. */
export function callContext(
  more: { cluster?: string; signal?: AbortSignal; reports?: Report[] } = {},
): CallContext {
  return {
    cluster: more.cluster ?? "lab",
    signal: more.signal ?? new AbortController().signal,
    dialer: (target) =>
      new Promise((resolve, reject) => {
        const socket = connect(target);
        socket.once("connect", () => resolve(socket)).once("error", reject);
      }),
    report: (report) => more.reports?.push(report),
  };
}

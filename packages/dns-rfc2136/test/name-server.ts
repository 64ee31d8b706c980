import { connect, createServer, type Socket } from "node:net";
import type { CallContext, Report } from "@multicloud/core/plugin";
import { encodeName, uint16 } from "../src/bytes.js";
import { rcodes, tsigErrors } from "../src/errors.js";
import { answerMac, appendTsig, signRequest, splitTsig, type TsigKey, type TsigRecord } from "../src/tsig.js";
import { encodeLine, framed, type Line, parseRequest, unframe } from "./server-messages.js";

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
  /** Every connection ends at its first message. */
  isAway?: boolean;
}

const [a, soa, txt, aaaa] = [1, 6, 16, 28];
const [classIn, classNone, classAny] = [1, 254, 255];

/** A primary server of `example.com` in this process: RFC 2136 with TSIG over TCP, and ways to break it. */
export async function startNameServer(key: TsigKey) {
  /** `name type` → data in hexadecimal, with the TTL. */
  const sets = new Map<string, { ttl: number; data: Set<string> }>();
  const id = (line: Pick<Line, "name" | "type">) => `${line.name} ${line.type}`;
  const faults: Faults = {};
  const sockets = new Set<Socket>();
  /** `writes` are the updates that were taken, but for those that only delete what is not there. */
  const counts = { queries: 0, updates: 0, writes: 0, changes: 0 };
  const listeners = new Set<() => void | Promise<void>>();

  function judge(prerequisites: readonly Line[]): number {
    const wanted = new Map<string, Set<string>>();
    for (const line of prerequisites) {
      const exists = sets.has(id(line));
      if (line.class === classNone && exists) return rcodes.YXRRSET;
      if (line.class === classIn) wanted.set(id(line), (wanted.get(id(line)) ?? new Set()).add(line.data));
    }
    for (const [at, data] of wanted) {
      if ([...(sets.get(at)?.data ?? [])].sort().join() !== [...data].sort().join()) return rcodes.NXRRSET;
    }
    return rcodes.NOERROR;
  }

  /** Tells whether anything changed. */
  function apply(updates: readonly Line[]): boolean {
    const before = describeAll();
    if (updates.some((line) => line.class !== classNone || sets.get(id(line))?.data.has(line.data))) {
      counts.writes += 1;
    }
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
    if (describeAll() === before) return false;
    counts.changes += 1;
    return true;
  }

  const describeAll = () =>
    JSON.stringify([...sets].map(([at, { ttl, data }]) => [at, ttl, [...data].sort()]).sort());

  async function answer(socket: Socket, request: Buffer): Promise<void> {
    const { message, tsig } = splitTsig(request);
    const isUpdate = ((message[2]! >> 3) & 15) === 5;
    const { question, sections } = parseRequest(message);
    if (faults.isAway || !tsig) return void socket.destroy();
    const mistrust = mistrusts(message, tsig);
    if (mistrust !== 0) {
      const refusal = reply(message, question, rcodes.NOTAUTH, []);
      const fields = { time: tsig.time, fudge: tsig.fudge, error: mistrust, other: Buffer.alloc(0) };
      // Who is not trusted gets no MAC (RFC 8945 §5.2).
      return void socket.write(framed(appendTsig(refusal, key, { ...fields, mac: Buffer.alloc(0) })));
    }
    let rcode: number = rcodes.NOERROR;
    let answers: readonly Line[] = [];
    if (faults.servfail) {
      faults.servfail -= 1;
      rcode = rcodes.SERVFAIL;
    } else if (isUpdate) {
      counts.updates += 1;
      const { cutUpdate, beforeUpdate } = faults;
      faults.beforeUpdate = undefined;
      faults.cutUpdate = undefined;
      beforeUpdate?.();
      if (cutUpdate === "before") return void socket.destroy();
      rcode = judge(sections[0]);
      if (rcode === rcodes.NOERROR && apply(sections[1]))
        for (const listener of [...listeners]) await listener();
      if (cutUpdate === "after") return void socket.destroy();
    } else {
      counts.queries += 1;
      const set = sets.get(id(question));
      answers = [...(set?.data ?? [])].map((data) => ({ ...question, class: classIn, ttl: set!.ttl, data }));
      if (question.type === soa && question.name === "example.com")
        answers = [{ ...question, class: classIn, ttl: 60, data: `${"00".repeat(2)}${"00".repeat(20)}` }];
    }
    socket.write(framed(spoil(reply(message, question, rcode, answers), tsig)));
  }

  /** Why a request's signature is not taken (RFC 8945 §5.2); 0 when it is. */
  function mistrusts(message: Buffer, tsig: TsigRecord): number {
    if (tsig.name !== key.name || tsig.algorithm !== key.algorithm) return tsigErrors.BADKEY;
    return signRequest(message, key, tsig.time).mac.equals(tsig.mac) ? 0 : tsigErrors.BADSIG;
  }

  function spoil(plain: Buffer, request: TsigRecord): Buffer {
    if (faults.answers === "unsigned") return plain;
    const used = faults.answers === "other-key" ? { ...key, secret: Buffer.from("somebody else's") } : key;
    const fields = { time: request.time, fudge: 300, error: 0, other: Buffer.alloc(0) };
    const signed = appendTsig(plain, used, { ...fields, mac: answerMac(used, request.mac, plain, fields) });
    if (faults.answers === "tampered") signed[3] = signed[3]! ^ 3;
    return signed;
  }

  const server = createServer((socket) => {
    sockets.add(socket);
    let received: Buffer = Buffer.alloc(0);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    socket.on("data", (chunk: Buffer) => {
      const { messages, rest } = unframe(Buffer.concat([received, chunk]));
      received = rest;
      for (const message of messages) answer(socket, message).catch((error) => socket.destroy(error));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { readonly port: number };
  const dataOf = (name: string, type: number) =>
    [...(sets.get(`${name} ${type}`)?.data ?? [])].map((data) => readable(type, Buffer.from(data, "hex")));
  return {
    port,
    faults,
    counts,
    /** IPv4 addresses of a name. */
    addresses: (name: string) => dataOf(name, a).sort(),
    marks: (name: string) => dataOf(name, txt),
    /** Addresses that whoever asks for a name is given; where nothing has it, a wildcard's (RFC 4592). */
    lookUp(name: string) {
      const has = [...sets.keys()].some((at) => at.startsWith(`${name} `));
      const owner = has ? name : name.replace(/^[^.]+/, "*");
      return [...dataOf(owner, a), ...dataOf(owner, aaaa)].sort();
    },
    /** All records but the zone's own. */
    records: () =>
      [...sets].flatMap(([at, { ttl, data }]) => {
        const [name = "", type] = at.split(" ");
        return [...data].map((each) => ({ name, type: Number(type), ttl, data: each }));
      }),
    /** Adds a record as somebody else would. */
    put(name: string, type: number, data: Buffer) {
      const set = sets.get(`${name} ${type}`)?.data ?? new Set();
      sets.set(`${name} ${type}`, { ttl: 60, data: set.add(data.toString("hex")) });
    },
    /** Tells of each update that changed something, before it is answered. Returns a function that stops it. */
    onChange(listener: () => void | Promise<void>) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A response to a request, without a signature. */
function reply(request: Buffer, question: Line, rcode: number, answers: readonly Line[]): Buffer {
  return Buffer.concat([
    request.subarray(0, 2),
    Buffer.from([request[2]! | 0x84, rcode]),
    uint16(1),
    uint16(answers.length),
    Buffer.alloc(4),
    encodeName(question.name),
    uint16(question.type),
    uint16(classIn),
    ...answers.map(encodeLine),
  ]);
}

function readable(type: number, data: Buffer): string {
  if (type === a) return data.join(".");
  if (type !== aaaa) return data.toString("latin1");
  const groups = Array.from({ length: 8 }, (_, index) => data.readUInt16BE(2 * index).toString(16));
  return new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1);
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

import { randomInt } from "node:crypto";
import { type CallContext, delay, MulticloudError } from "@multicloud/core/plugin";
import { type Connection, openConnection, SilentServer } from "./connection.js";
import { type Asked, badAnswer, rcodes, refusal, silence, tsigErrors } from "./errors.js";
import { isGenuine, signRequest, splitTsig, type TsigKey } from "./tsig.js";
import {
  decodeReply,
  encodeQuery,
  encodeUpdate,
  type RecordType,
  type Reply,
  rcodeOf,
  type UpdateLine,
} from "./wire.js";

/** Where and as whom to ask. */
export interface ServerOptions {
  readonly host: string;
  readonly port: number;
  readonly zone: string;
  readonly key: TsigKey;
  readonly timeoutMs: number;
  /** How often a question is asked at most, and an update that certainly did not arrive is sent. Default 4. */
  readonly attempts?: number;
  /** Seconds since 1970. Default: this machine's clock. */
  readonly now?: () => number;
}

/** How an update ended: done; refused because a prerequisite did not hold; or nobody knows. */
export type UpdateOutcome =
  | { readonly outcome: "done" }
  | { readonly outcome: "stale" | "unknown"; readonly error: MulticloudError };

/** The zone's server for the length of one operation. Everything is signed in both directions. */
export interface Server {
  /** An answer without error, or that the name does not exist. Retried, because a query changes nothing. */
  query(name: string, type: RecordType): Promise<Reply>;
  /** All lines or none (RFC 2136 §3.7). Sent once, but again where it certainly did not arrive. */
  update(
    doing: string,
    prerequisites: readonly UpdateLine[],
    updates: readonly UpdateLine[],
  ): Promise<UpdateOutcome>;
  close(): void;
}

/** Connects at the first question. */
export function openServer(context: CallContext, options: ServerOptions): Server {
  const { zone, key, attempts = 4 } = options;
  const address = `${options.host.includes(":") ? `[${options.host}]` : options.host}:${options.port}`;
  let connection: Connection | undefined;
  /** What the server's clock is ahead of ours, in seconds, once it has proved that it is. */
  let ahead = 0;

  async function exchange(asked: Asked, message: Buffer): Promise<Buffer> {
    for (let corrected = false; ; corrected = true) {
      const time = Math.floor(options.now?.() ?? Date.now() / 1000) + ahead;
      const { signed, mac } = signRequest(message, key, time);
      connection ??= await openConnection(context, options, options.timeoutMs);
      const started = performance.now();
      const answer = await connection.ask(signed).catch((error: unknown) => {
        connection = undefined;
        throw error;
      });
      context.report({
        type: "request",
        service: "rfc2136",
        method: asked.isUpdate ? "UPDATE" : "QUERY",
        url: `dns://${address}/${zone}`,
        status: rcodeOf(answer),
        durationMs: performance.now() - started,
      });
      const { message: plain, serverTime } = verify(asked, answer, mac, time);
      if (serverTime === undefined) return plain;
      if (corrected) throw refusal(asked, rcodes.NOTAUTH, tsigErrors.BADTIME);
      // It holds the key and signed its time with our request's MAC: nobody can have replayed that.
      ahead += serverTime - time;
      context.report({
        type: "log",
        level: "warn",
        message: `the clock of ${address} differs from this machine's by ${Math.abs(ahead)} s; its time is used for signatures`,
      });
    }
  }

  /** The message without its signature; or the server's time when it objects to ours. */
  function verify(
    asked: Asked,
    answer: Buffer,
    requestMac: Buffer,
    time: number,
  ): { readonly message: Buffer; readonly serverTime?: number } {
    const rcode = rcodeOf(answer);
    let split: ReturnType<typeof splitTsig>;
    try {
      split = splitTsig(answer);
    } catch (error) {
      throw badAnswer(asked, "it is broken", error);
    }
    const { message, tsig } = split;
    // Who does not know our key cannot sign; whatever it says, nothing was done, and nothing is believed but that.
    if (tsig?.mac.length === 0 || (!tsig && rcode !== rcodes.NOERROR && rcode !== rcodes.NXDOMAIN)) {
      throw refusal(asked, rcode, tsig?.error);
    }
    if (!tsig) throw badAnswer(asked, `it is not signed with ${key.name}`);
    if (!isGenuine(key, requestMac, message, tsig)) {
      throw badAnswer(asked, `its signature by ${key.name} is wrong: somebody may stand in between`);
    }
    if (tsig.error === tsigErrors.BADTIME && tsig.other.length === 6) {
      return { message, serverTime: tsig.other.readUIntBE(0, 6) };
    }
    if (tsig.error !== 0) throw refusal(asked, rcode, tsig.error);
    if (Math.abs(tsig.time - time) > tsig.fudge) throw refusal(asked, rcodes.NOTAUTH, tsigErrors.BADTIME);
    return { message };
  }

  const newId = () => randomInt(0x10000);
  const backoffMs = (tried: number) => Math.round(250 * 2 ** tried * (0.5 + 0.5 * Math.random()));

  async function pause(error: MulticloudError, tried: number): Promise<void> {
    const delayMs = backoffMs(tried);
    context.report({ type: "retry", service: "rfc2136", message: error.message, attempt: tried, delayMs });
    await delay(delayMs, context.signal);
  }

  return {
    async query(name, type) {
      const asked: Asked = {
        doing: `asking for ${type} of ${name}`,
        server: address,
        zone,
        key,
        isUpdate: false,
      };
      for (let tried = 1; ; tried++) {
        let error: MulticloudError;
        try {
          const message = await exchange(asked, encodeQuery(newId(), name, type));
          const rcode = rcodeOf(message);
          if (rcode === rcodes.NOERROR || rcode === rcodes.NXDOMAIN) return readable(asked, message);
          error = refusal(asked, rcode);
        } catch (thrown) {
          error = told(asked, thrown);
        }
        const isTransient = error.code === "SERVICE_UNREACHABLE" || error.code === "SERVICE_FAILED";
        if (!isTransient || tried >= attempts) throw error;
        await pause(error, tried);
      }
    },
    async update(doing, prerequisites, updates) {
      const asked: Asked = { doing, server: address, zone, key, isUpdate: true };
      for (let tried = 1; ; tried++) {
        try {
          const message = await exchange(asked, encodeUpdate(newId(), zone, prerequisites, updates));
          const rcode = rcodeOf(message);
          if (rcode === rcodes.NOERROR) return { outcome: "done" };
          const error = refusal(asked, rcode);
          if (error.code === "CONFLICT") return { outcome: "stale", error };
          if (error.code === "SERVICE_FAILED") return { outcome: "unknown", error };
          throw error;
        } catch (thrown) {
          const error = told(asked, thrown);
          if (thrown instanceof SilentServer && !thrown.mayHaveArrived && tried < attempts) {
            await pause(error, tried);
            continue;
          }
          const isSettled = !["SERVICE_UNREACHABLE", "SERVICE_FAILED", "SERVICE_ANSWER"].includes(error.code);
          if (isSettled) throw error;
          return { outcome: "unknown", error };
        }
      }
    },
    close: () => connection?.close(),
  };

  function told(asked: Asked, thrown: unknown): MulticloudError {
    if (context.signal.aborted) throw context.signal.reason;
    if (MulticloudError.isInstance(thrown)) return thrown;
    if (thrown instanceof SilentServer) return silence(asked, thrown.message, thrown.cause ?? thrown);
    throw thrown;
  }
}

function readable(asked: Asked, message: Buffer): Reply {
  let reply: Reply;
  try {
    reply = decodeReply(message);
  } catch (error) {
    throw badAnswer(asked, "it is broken", error);
  }
  if (reply.isTruncated) throw badAnswer(asked, "it is cut short");
  return reply;
}

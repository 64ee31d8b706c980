import { request } from "node:http";
import type { Duplex } from "node:stream";
import { connect } from "node:tls";
import type { Dialer } from "../contracts/dialer.js";

/** What a request of the drill's client asks for. */
export interface Question {
  readonly dialer: Dialer;
  /** Host name of the application: server name of TLS and `Host` of the request. */
  readonly host: string;
  /** Addresses that the name resolves to; they are tried in turn, as a browser does. */
  readonly addresses: readonly string[];
  readonly signal: AbortSignal;
  /** For each address, in milliseconds. */
  readonly timeoutMs: number;
}

/**
 * Asks for `https://<host>/` as a browser would and gives the status of the answer, or `undefined` when no
 * address answers. The certificate is not judged: whether somebody answers is the question here, and a new
 * cluster's certificate may still be on its way.
 */
export async function ask({
  dialer,
  host,
  addresses,
  signal,
  timeoutMs,
}: Question): Promise<number | undefined> {
  for (const address of addresses) {
    signal.throwIfAborted();
    const bound = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    try {
      const stream = await dialer({ host: address, port: 443 }, { signal: bound, timeoutMs });
      return await statusOf(stream, host, bound);
    } catch {
      signal.throwIfAborted();
    }
  }
  return undefined;
}

function statusOf(stream: Duplex, host: string, signal: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    const end = () => stream.destroy();
    signal.addEventListener("abort", end, { once: true });
    const settled = () => {
      signal.removeEventListener("abort", end);
      end();
    };
    stream.on("error", reject);
    stream.once("close", () => reject(new Error("closed")));
    const secure = connect({ socket: stream, servername: host, rejectUnauthorized: false });
    secure.on("error", reject);
    const outgoing = request({
      createConnection: () => secure,
      host,
      path: "/",
      headers: { connection: "close" },
    });
    outgoing.on("error", reject);
    outgoing.once("response", (incoming) => {
      incoming.on("error", () => {});
      resolve(incoming.statusCode ?? 0);
      settled();
    });
    outgoing.end();
    outgoing.once("close", settled);
  });
}

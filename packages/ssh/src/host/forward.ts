import type { Duplex } from "node:stream";
import { bounded } from "../bounded.js";
import type { Connection } from "../connection/connection.js";
import type { DialOptions, DialTarget } from "../dialer.js";
import { hopName, SshError } from "../ssh-error.js";
import { channelFailure } from "./session.js";
import { tunnel } from "./tunnel.js";

// OpenSSH puts strerror() of the failed connect into the description.
const reasons: readonly [RegExp, string][] = [
  [/refused/i, "ECONNREFUSED"],
  [/no route to host/i, "EHOSTUNREACH"],
  [/network is unreachable/i, "ENETUNREACH"],
  [/timed out/i, "ETIMEDOUT"],
  [/name or service|name resolution|not known|resolve/i, "ENOTFOUND"],
  [/prohibited/i, "EACCES"],
];

/** Opens a stream from the connection's host to `target`; see `SshHost.forward`. */
export async function forwardStream(
  connection: Connection,
  target: DialTarget,
  options: DialOptions = {},
): Promise<Duplex> {
  const { hop, ended } = connection;
  const timeoutMs = options.timeoutMs ?? 10_000;
  const name = `${target.host.includes(":") ? `[${target.host}]` : target.host}:${target.port}`;
  const failure = (detail: string, reason: string | undefined, cause?: unknown) =>
    new SshError(`${hopName(hop)} cannot forward to ${name}: ${detail}`, {
      code: "FORWARD_FAILED",
      hop,
      reason,
      cause,
    });
  return bounded(
    () =>
      new Promise<Duplex>((resolve, reject) => {
        connection.client.forwardOut("127.0.0.1", 0, target.host, target.port, (error, channel) =>
          error ? reject(error) : resolve(tunnel(channel, ended)),
        );
      }).catch((error: Error & { reason?: unknown }) => {
        if (typeof error.reason !== "number") throw channelFailure(connection, error, "a forward");
        const detail = error.message.replace("(SSH) Channel open failure: ", "") || "refused";
        // Reason 1: administratively prohibited (RFC 4254 §5.1).
        const known = reasons.find(([pattern]) => pattern.test(detail))?.[1];
        throw failure(detail, known ?? (error.reason === 1 ? "EACCES" : "ECONNREFUSED"), error);
      }),
    {
      signals: [options.signal, ended],
      timeoutMs,
      timeoutError: () => failure(`no answer within ${timeoutMs} ms`, "ETIMEDOUT"),
      discard: (late) => late.destroy(),
    },
  );
}

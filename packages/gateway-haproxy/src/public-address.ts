import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { isIP } from "node:net";
import type { Duplex } from "node:stream";
import { connect as tlsConnect } from "node:tls";
import { MulticloudError, type RemoteHost, type SiteContext } from "@multicloud/core/plugin";

/** How long one source may take. */
const patienceMs = 8_000;

/** Bytes of an answer that are looked at: an address has 45 at most. */
const longestAnswer = 256;

/**
 * Asks all sources at once what address they see the machine under, through the SSH connection: the operator
 * may sit somewhere else. At least two must have answered, and all that answered must agree.
 *
 * @throws MulticloudError `SERVICE_UNREACHABLE` with less than two answers, `SERVICE_ANSWER` when they differ
 */
export async function askPublicAddress(
  remote: RemoteHost,
  context: SiteContext,
  sources: readonly string[],
): Promise<string> {
  const answers = await Promise.all(
    [...new Set(sources)].map(async (source) => {
      try {
        return { source, address: await askSource(remote, context, source) };
      } catch (error) {
        context.signal.throwIfAborted();
        return { source, reason: error instanceof Error ? error.message : String(error) };
      }
    }),
  );
  const told = answers.flatMap(({ address }) => (address === undefined ? [] : [address]));
  const said = answers.map(({ source, address, reason }) => `${source}: ${address ?? reason}`).join("; ");
  const [address] = told;
  if (address === undefined || told.length < 2) {
    throw new MulticloudError(
      `the public address of the gateway at ${remote.address} is not known: less than two sources answered (${said})`,
      {
        code: "SERVICE_UNREACHABLE",
        site: context.site,
        service: "haproxy",
        hint: "give the gateway's publicAddress, or sources that can be reached from there",
      },
    );
  }
  if (told.some((one) => one !== address)) {
    throw new MulticloudError(
      `the public address of the gateway at ${remote.address} is not certain: the sources do not agree (${said})`,
      {
        code: "SERVICE_ANSWER",
        site: context.site,
        service: "haproxy",
        hint: "several ways out, or a source that is wrong: give the gateway's publicAddress",
      },
    );
  }
  return address;
}

async function askSource(remote: RemoteHost, context: SiteContext, source: string): Promise<string> {
  const url = new URL(source);
  const secure = url.protocol === "https:";
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(patienceMs)]);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const stream = await remote.forward(
    { host, port: Number(url.port || (secure ? 443 : 80)) },
    { signal, timeoutMs: patienceMs },
  );
  try {
    const text = await get(url, stream, secure, signal);
    const address = text.trim();
    if (isIP(address) === 0)
      throw new Error(`it answered ${JSON.stringify(address.slice(0, 60))}, which is no address`);
    return address;
  } finally {
    stream.destroy();
  }
}

function get(url: URL, stream: Duplex, secure: boolean, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    stream.on("error", reject);
    const name = isIP(url.hostname) ? {} : { servername: url.hostname };
    const call = (secure ? httpsRequest : httpRequest)(
      {
        createConnection: () => (secure ? tlsConnect({ socket: stream, ...name }) : stream),
        path: `${url.pathname}${url.search}`,
        headers: { host: url.host, accept: "text/plain", connection: "close" },
        signal,
      },
      (response) => {
        if (response.statusCode !== 200) return reject(new Error(`it answered ${response.statusCode}`));
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          body += chunk;
          if (body.length > longestAnswer) reject(new Error("its answer is too long to be an address"));
        });
        response.on("end", () => resolve(body));
        response.on("error", reject);
      },
    );
    call.on("error", reject);
    call.end();
  });
}

import { readFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { homedir } from "node:os";
import { MulticloudError } from "@multicloud/core/plugin";

/** How the certificates of a cloud are judged, and with which one the client answers. Files are PEM. */
export interface TlsSettings {
  /** Authorities to trust instead of Node's own. */
  readonly cacert?: string;
  /** The client's certificate, with its key in it or in `key`. */
  readonly cert?: string;
  readonly key?: string;
  /** False: any certificate is taken. */
  readonly verify: boolean;
}

/**
 * A `fetch` with these settings, which Node's own takes only at the start of the process. It does what the
 * client needs: text or no body, whole answers, no redirects. Throws `CONFIG_INVALID` for a file that
 * cannot be read.
 *
 * @param source where the settings are from, for messages
 */
export async function createTlsFetch(settings: TlsSettings, source: string): Promise<typeof fetch> {
  const { Agent, request } = await import("node:https");
  const [ca, cert, key] = await Promise.all(
    (["cacert", "cert", "key"] as const).map((name) => readPem(settings[name], name, source)),
  );
  const agent = new Agent({
    keepAlive: true,
    rejectUnauthorized: settings.verify,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert, key: key ?? cert }),
  });

  return async (input, init = {}) => {
    const url = new URL(input instanceof Request ? input.url : input);
    if (url.protocol !== "https:") return fetch(input, init);
    const { signal, method = "GET" } = init;
    signal?.throwIfAborted();
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const headers = Object.fromEntries(new Headers(init.headers));
      const sent = request(url, { agent, method, headers, ...(signal ? { signal } : {}) }, resolve);
      // As `fetch` does it: the caller's own reason, or a failure with the socket's error as its cause.
      sent.on("error", (cause) =>
        reject(signal?.aborted ? signal.reason : new TypeError("fetch failed", { cause })),
      );
      sent.end(typeof init.body === "string" ? init.body : undefined);
    });
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of answer) chunks.push(chunk);
    } catch (cause) {
      throw signal?.aborted ? signal.reason : new TypeError("fetch failed", { cause });
    }
    const status = answer.statusCode!;
    const headers = new Headers();
    for (let n = 0; n < answer.rawHeaders.length; n += 2) {
      headers.append(answer.rawHeaders[n]!, answer.rawHeaders[n + 1]!);
    }
    const empty = status === 204 || status === 304;
    return new Response(empty ? null : Buffer.concat(chunks), { status, headers });
  };
}

async function readPem(file: string | undefined, name: string, source: string): Promise<string | undefined> {
  if (file === undefined) return undefined;
  try {
    return await readFile(file.replace(/^~(?=\/)/, homedir()), "utf8");
  } catch (cause) {
    throw new MulticloudError(`${name} of ${source} cannot be read: ${(cause as Error).message}`, {
      code: "CONFIG_INVALID",
      cause,
      hint: "it is the path of a file in PEM format",
    });
  }
}

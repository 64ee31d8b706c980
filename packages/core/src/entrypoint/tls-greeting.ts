import { once } from "node:events";
import { type Duplex, PassThrough } from "node:stream";
import { connect } from "node:tls";

/**
 * The first bytes that a TLS client sends (ClientHello, RFC 8446 §4.1.2), as OpenSSL makes them for this name. They
 * only ask whether somebody answers, so one greeting may be sent any number of times.
 *
 * @param servername for SNI: some servers say nothing to who asks for no name, or for one that they do not have
 */
export async function tlsGreeting(servername: string): Promise<Buffer> {
  const wire = new PassThrough();
  const greeting = once(wire, "data");
  // What is written comes back as if the server had said it, which ends the handshake: nobody waits for that.
  const secure = connect({ socket: wire, servername, rejectUnauthorized: false });
  secure.on("error", () => {});
  try {
    const [bytes] = (await greeting) as [Buffer];
    return bytes;
  } finally {
    secure.destroy();
  }
}

/**
 * Whether whoever took a connection answers a TLS greeting, if only by refusing it. A proxy with nobody behind it takes
 * connections too, and closes them without a word. Ends the connection.
 */
export function answersGreeting(stream: Duplex, greeting: Buffer, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (answers: boolean) => {
      signal.removeEventListener("abort", end);
      resolve(answers);
      stream.destroy();
    };
    const end = () => settle(false);
    if (signal.aborted) return end();
    signal.addEventListener("abort", end, { once: true });
    stream.on("error", end).once("end", end).once("close", end);
    stream.once("data", () => settle(true));
    stream.write(greeting);
  });
}

/** A name to greet with: the record's own, or one below a wildcard. */
export const greetedName = (record: string): string => record.replace(/^\*/, "multicloud");

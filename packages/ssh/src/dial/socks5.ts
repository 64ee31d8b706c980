import type { Socket } from "node:net";
import { bounded } from "../bounded.js";
import type { Dialer, DialTarget } from "../dialer.js";
import { SshError } from "../ssh-error.js";
import { dialError } from "./dial-error.js";
import { directDialer } from "./direct.js";

// Replies of RFC 1928 §6, as the socks package spells them.
const replies: readonly [RegExp, string, string][] = [
  [/ConnectionRefused/, "ECONNREFUSED", "connection refused"],
  [/HostUnreachable/, "EHOSTUNREACH", "the proxy finds no route to the host"],
  [/NetworkUnreachable/, "ENETUNREACH", "the proxy finds no route to the network"],
  [/TTLExpired/, "ETIMEDOUT", "the proxy got no answer from the host"],
  [/NotAllowed/, "EACCES", "the proxy's rules do not allow it"],
  [/uthentication|authentication type/, "EACCES", "the proxy refused the user name and password"],
  [/timed out/, "ETIMEDOUT", "the proxy did not answer in time"],
  [/Socket closed/, "ECONNRESET", "the proxy closed the connection"],
];

/**
 * Connections through a SOCKS5 proxy (RFC 1928): `socks5://[user:password@]host[:1080]`. Host names are
 * resolved by the proxy. Default timeout 10 s. Rejects with Node's codes; what the proxy says of the target
 * reads like a direct connection's failure. Throws `OPTIONS_INVALID` for another kind of URL.
 */
export function socks5Dialer(url: string): Dialer {
  const proxy = readUrl(url);
  const direct = directDialer();
  return async (target, options = {}) => {
    const timeoutMs = options.timeoutMs ?? 10_000;
    const started = performance.now();
    const { SocksClient } = await import("socks");
    const socket = (await direct(proxy.target, { ...options, timeoutMs }).catch((error: unknown) => {
      if (options.signal?.aborted) throw error;
      const code = (error as NodeJS.ErrnoException).code ?? "ECONNREFUSED";
      throw dialError(target, code, `the SOCKS proxy ${proxy.name} does not answer`, error);
    })) as Socket;
    const left = Math.max(1, timeoutMs - (performance.now() - started));
    return bounded(
      async () => {
        const client = new SocksClient({
          proxy: { host: proxy.target.host, port: proxy.target.port, type: 5, ...proxy.credentials },
          command: "connect",
          destination: { host: target.host, port: target.port },
          // Ours fires first; theirs only has to be cleared.
          timeout: left + 60_000,
        });
        return new Promise<Socket>((resolve, reject) => {
          client.once("established", (info) => handOver(info.socket, resolve));
          client.once("error", (error) => reject(proxyError(target, proxy.name, error)));
          client.connect(socket);
        });
      },
      {
        signals: [options.signal],
        timeoutMs: left,
        timeoutError: () =>
          dialError(target, "ETIMEDOUT", `no answer within ${timeoutMs} ms through ${proxy.name}`),
        cancel: () => socket.destroy(),
        discard: (late) => late.destroy(),
      },
    );
  };
}

// Once established, the socks package resumes the socket on the next turn and emits what it has read too much,
// whether somebody listens by then or not: an SSH server's banner would be lost. So that is caught and put
// back, and adding and removing a `readable` listener leaves the socket as fresh as a new one (not paused).
function handOver(socket: Socket, resolve: (socket: Socket) => void): void {
  const early: Buffer[] = [];
  const keep = (chunk: Buffer) => early.push(chunk);
  socket.on("data", keep);
  setImmediate(() => {
    socket.off("data", keep);
    socket.pause();
    if (early.length > 0) socket.unshift(Buffer.concat(early));
    const nothing = () => {};
    socket.on("readable", nothing);
    socket.off("readable", nothing);
    process.nextTick(resolve, socket);
  });
}

function proxyError(target: DialTarget, proxy: string, error: Error): Error {
  for (const [pattern, code, detail] of replies) {
    if (pattern.test(error.message))
      return dialError(target, code, `${detail} (SOCKS proxy ${proxy})`, error);
  }
  return dialError(target, "ECONNRESET", `the SOCKS proxy ${proxy} failed: ${error.message}`, error);
}

function readUrl(url: string) {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw invalid("it is not a URL");
  }
  if (!/^socks5h?:$/.test(parsed.protocol)) throw invalid(`its scheme is ${parsed.protocol}//`);
  if (parsed.hostname === "") throw invalid("it has no host");
  const host = parsed.hostname.replace(/^\[|\]$/g, "");
  const port = parsed.port === "" ? 1080 : Number(parsed.port);
  const credentials =
    parsed.username === ""
      ? {}
      : { userId: decodeURIComponent(parsed.username), password: decodeURIComponent(parsed.password) };
  return { target: { host, port }, name: `${parsed.hostname}:${port}`, credentials };
}

// The URL may hold a password, so it is never shown.
function invalid(detail: string): SshError {
  return new SshError(`the SOCKS proxy's URL is wrong: ${detail}`, {
    code: "OPTIONS_INVALID",
    hint: "It looks like socks5://user:password@proxy.example.org:1080.",
  });
}

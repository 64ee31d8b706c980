import { Agent, type AgentOptions } from "node:https";
import { connect as connectTcp, isIP } from "node:net";
import type { Duplex } from "node:stream";
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";
import type { Dialer } from "../types.js";
import type { Endpoint } from "./credentials.js";

/** The kept-alive connections to one API server. */
export interface Connections {
  readonly agent: Agent;
  close(): void;
}

/**
 * An agent whose connections are TLS over whatever stream the dialer opens. The API server's certificate is
 * verified against the kubeconfig's CA and name, whatever the address that was dialled.
 */
export function createConnections(
  endpoint: Endpoint,
  options: { readonly dialer?: Dialer | undefined; readonly timeoutMs: number },
): Connections {
  const dialer = options.dialer ?? dialTcp;
  const closed = new AbortController();
  const agentOptions: AgentOptions = { keepAlive: true, maxSockets: 16, scheduling: "lifo" };
  const agent = new Agent(agentOptions);

  async function open(): Promise<TLSSocket> {
    const signal = AbortSignal.any([closed.signal, AbortSignal.timeout(options.timeoutMs)]);
    const target = { host: hostOf(endpoint.url), port: Number(endpoint.url.port || 443) };
    const { cert, key } = await endpoint.credentials();
    const stream = await dialer(target, { signal, timeoutMs: options.timeoutMs });
    return secure(stream, endpoint, { cert, key }, signal);
  }

  // Node calls back instead of taking a promise; its types know only the synchronous form.
  type Connect = (options: unknown, done: (error: Error | null, socket?: Duplex) => void) => undefined;
  (agent as unknown as { createConnection: Connect }).createConnection = (_, done) => {
    open().then(
      (socket) => done(null, socket),
      (error) => done(error instanceof Error ? error : new Error(String(error))),
    );
    return undefined;
  };

  return {
    agent,
    close() {
      closed.abort(new Error("the Kubernetes client was closed"));
      agent.destroy();
    },
  };
}

function secure(
  stream: Duplex,
  endpoint: Endpoint,
  identity: { readonly cert: string | undefined; readonly key: string | undefined },
  signal: AbortSignal,
): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const options: ConnectionOptions = {
      socket: stream,
      // Whom the certificate must name; SNI only when it is a name, an IP address must not be sent there.
      host: endpoint.serverName,
      rejectUnauthorized: endpoint.verify,
      ALPNProtocols: ["http/1.1"],
    };
    if (!isIP(endpoint.serverName)) options.servername = endpoint.serverName;
    if (endpoint.caPem !== undefined) options.ca = endpoint.caPem;
    if (identity.cert !== undefined) options.cert = identity.cert;
    if (identity.key !== undefined) options.key = identity.key;
    const socket = connectTls(options);
    const fail = (error: Error) => {
      signal.removeEventListener("abort", onAbort);
      socket.destroy();
      stream.destroy();
      reject(error);
    };
    const onAbort = () => fail(signal.reason instanceof Error ? signal.reason : new Error("aborted"));
    const onClose = () => fail(withCode(new Error("the connection closed during the TLS handshake")));
    signal.addEventListener("abort", onAbort, { once: true });
    socket.once("error", fail);
    socket.once("close", onClose);
    socket.once("secureConnect", () => {
      signal.removeEventListener("abort", onAbort);
      socket.removeListener("error", fail);
      socket.removeListener("close", onClose);
      resolve(socket);
    });
  });
}

const dialTcp: Dialer = (target, options) =>
  new Promise((resolve, reject) => {
    const socket = connectTcp({ host: target.host, port: target.port, noDelay: true });
    const signal = options?.signal;
    const onAbort = () => {
      socket.destroy();
      reject(signal?.reason);
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    socket.once("error", reject);
    socket.once("connect", () => {
      signal?.removeEventListener("abort", onAbort);
      socket.removeListener("error", reject);
      resolve(socket);
    });
  });

function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, "");
}

function withCode(error: Error): Error {
  return Object.assign(error, { code: "ECONNRESET" });
}

import { setMaxListeners } from "node:events";
import type { Duplex } from "node:stream";
import type { Client, ConnectConfig } from "ssh2";
import { bounded } from "../bounded.js";
import type { Dialer } from "../dialer.js";
import { hostKeyAlgorithms, type PublicKey, publicKeyFromBlob } from "../keys/public-key.js";
import { hopName, SshError, type SshHop } from "../ssh-error.js";
import type { Connection } from "./connection.js";
import type { AuthMethod } from "./credentials.js";
import { dialFailure, handshakeFailure, hostKeyMismatch } from "./failure.js";

/** One hop to connect to. */
export interface OpenRequest {
  readonly hop: SshHop;
  readonly auth: readonly AuthMethod[];
  readonly hostKeys: readonly PublicKey[];
  readonly dialer: Dialer;
  readonly keepaliveMs: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** Dials one hop, verifies its host key and logs in. */
export async function openConnection(request: OpenRequest): Promise<Connection> {
  // Loaded before dialling: nobody would hear an error of the stream while the module loads.
  const { default: ssh2 } = await import("ssh2");
  const started = performance.now();
  const stream = await dial(request);
  stream.on("error", () => {});
  try {
    return await handshake(
      request,
      new ssh2.Client(),
      stream,
      request.timeoutMs - (performance.now() - started),
    );
  } catch (error) {
    stream.destroy();
    throw error;
  }
}

async function dial(request: OpenRequest): Promise<Duplex> {
  const { hop, timeoutMs, signal } = request;
  try {
    return await bounded(
      () => request.dialer({ host: hop.host, port: hop.port }, { timeoutMs, ...(signal && { signal }) }),
      {
        signals: [signal],
        // The dialer keeps the time; this is for one that does not.
        timeoutMs: timeoutMs + 250,
        timeoutError: () => Object.assign(new Error("no answer in time"), { code: "ETIMEDOUT" }),
        discard: (late) => late.destroy(),
      },
    );
  } catch (error) {
    signal?.throwIfAborted();
    throw dialFailure(hop, error);
  }
}

async function handshake(
  request: OpenRequest,
  client: Client,
  stream: Duplex,
  timeoutMs: number,
): Promise<Connection> {
  const { hop } = request;
  const state: { presented?: PublicKey; negotiated: boolean; agentError?: Error } = { negotiated: false };
  const ended = new AbortController();
  setMaxListeners(0, ended.signal);
  let settleClosed: (error: SshError | undefined) => void = () => {};
  const closed = new Promise<SshError | undefined>((resolve) => {
    settleClosed = resolve;
  });
  const end = (error: SshError, lost: boolean) => {
    if (ended.signal.aborted) return;
    ended.abort(error);
    settleClosed(lost ? error : undefined);
  };
  const lose = (cause?: Error) => {
    const reason = (cause as NodeJS.ErrnoException | undefined)?.code;
    const detail = cause?.message ?? "the other side closed it";
    end(
      new SshError(`the connection to ${hopName(hop)} was lost: ${detail}`, {
        code: "CLOSED",
        hop,
        reason: /^E[A-Z]+$/.test(String(reason)) ? String(reason) : undefined,
        cause,
      }),
      true,
    );
    stream.destroy();
  };

  await bounded(
    () =>
      new Promise<void>((resolve, reject) => {
        let ready = false;
        const fail = (cause?: Error) => {
          if (ready) return lose(cause);
          reject(
            state.presented && !accepts(request.hostKeys, state.presented)
              ? hostKeyMismatch(hop, state.presented, request.hostKeys)
              : handshakeFailure(hop, cause ?? state.agentError, state.negotiated, request.hostKeys),
          );
        };
        // These listeners stay for the life of the client: ssh2 may emit errors after the end, and an error
        // nobody listens to would end the process.
        client.on("error", (error: Error & { level?: string }) => {
          if (error.level === "agent") state.agentError = error;
          else fail(error);
        });
        client.on("end", () => fail());
        client.on("close", () => fail());
        client.on("handshake", () => {
          state.negotiated = true;
        });
        client.once("ready", () => {
          ready = true;
          resolve();
        });
        client.connect(
          clientConfig(request, stream, (key) => {
            state.presented = key;
          }),
        );
      }),
    {
      signals: [request.signal],
      timeoutMs,
      timeoutError: () =>
        new SshError(`${hopName(hop)} did not finish the SSH handshake within ${request.timeoutMs} ms`, {
          code: "TIMEOUT",
          hop,
        }),
      cancel: () => stream.destroy(),
    },
  );

  return {
    client,
    hop,
    hostKey: state.presented?.line ?? "",
    ended: ended.signal,
    closed,
    close: () => {
      end(
        new SshError(`the connection to ${hopName(hop)} was closed by this program`, { code: "CLOSED", hop }),
        false,
      );
      return endStream(client, stream);
    },
  };
}

function clientConfig(request: OpenRequest, sock: Duplex, seen: (key: PublicKey) => void): ConnectConfig {
  return {
    sock,
    username: request.hop.user,
    // Naming the methods leaves out `none`, which would cost a round trip.
    authHandler: [...request.auth] as NonNullable<ConnectConfig["authHandler"]>,
    algorithms: { serverHostKey: hostKeyAlgorithms(request.hostKeys) },
    hostVerifier: (blob: Buffer) => {
      const key = publicKeyFromBlob(blob);
      seen(key);
      return accepts(request.hostKeys, key);
    },
    keepaliveInterval: request.keepaliveMs,
    keepaliveCountMax: 3,
    readyTimeout: 0,
  };
}

function accepts(hostKeys: readonly PublicKey[], key: PublicKey): boolean {
  return hostKeys.some((accepted) => accepted.blob.equals(key.blob));
}

/** Says good-bye, and gives the other side half a second to hang up. */
function endStream(client: Client, stream: Duplex): Promise<void> {
  if (stream.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(() => stream.destroy(), 500);
    stream.once("close", () => {
      clearTimeout(timer);
      resolve();
    });
    client.end();
  });
}

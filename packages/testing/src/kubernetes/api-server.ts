import { createHash, randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { parse as parseYaml } from "yaml";
import type { ServingCertificates } from "../rke/clusters.js";
import type { World } from "../world/world.js";
import { ApiError, unauthorized } from "./api-status.js";
import { type ApiRequest, BrokenBody, type RequestUser } from "./request.js";
import { type HandlerParts, handle } from "./request-handler.js";

/** One request that was answered. */
export interface ApiCall {
  readonly method: string;
  /** Path without query. */
  readonly path: string;
  readonly status: number;
  readonly user: string;
}

/** The emulated kube-apiserver processes of one cluster. */
export interface ApiServer {
  readonly calls: readonly ApiCall[];
  /** Serves a connection; the TLS handshake is still to come. */
  accept(stream: Duplex, serving: ServingCertificates): void;
  close(): void;
}

/** @param tokens bearer tokens that are let in */
export function createApiServer(
  world: World,
  parts: HandlerParts,
  tokens: Readonly<Record<string, RequestUser>>,
): ApiServer {
  const servers = new Map<string, Server>();
  const streams = new Set<Duplex>();
  const calls: ApiCall[] = [];

  function serverFor(serving: ServingCertificates): Server {
    const key = createHash("sha256")
      .update(serving.certPem)
      .update(serving.keyPem)
      .update(serving.clientCaPem)
      .digest("hex");
    const known = servers.get(key);
    if (known) return known;
    const server = createServer(
      {
        cert: serving.certPem,
        key: serving.keyPem,
        ca: serving.clientCaPem,
        // As kube-apiserver: any certificate is asked for and looked at when the request is authenticated.
        requestCert: true,
        rejectUnauthorized: false,
        ALPNProtocols: ["http/1.1"],
        keepAliveTimeout: 600_000,
        requestTimeout: 0,
      },
      (incoming, outgoing) => void answer(incoming, outgoing),
    );
    server.on("tlsClientError", (_, socket) => socket.destroy());
    servers.set(key, server);
    return server;
  }

  async function answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const url = new URL(incoming.url ?? "/", "https://kubernetes");
    const method = incoming.method ?? "GET";
    let user: RequestUser = { name: "system:anonymous", groups: ["system:unauthenticated"] };
    const send = (status: number, body: unknown, headers: Record<string, string> = {}) => {
      calls.push({ method, path: url.pathname, status, user: user.name });
      const isText = typeof body === "string";
      const text = isText ? body : `${JSON.stringify(body)}\n`;
      outgoing.writeHead(status, {
        "audit-id": randomUUID(),
        "cache-control": "no-cache, private",
        "content-type": isText ? "text/plain; charset=utf-8" : "application/json",
        "content-length": Buffer.byteLength(text),
        ...headers,
      });
      outgoing.end(text);
    };
    try {
      const raw = await readBody(incoming);
      const fault = world.faults.take({ service: "kubernetes", method, path: url.pathname });
      if (fault?.hang) return;
      await world.clock.sleep(world.timing.roundTripMs + (fault?.slowMs ?? 0));
      if (fault?.reset === "before") return void incoming.socket.destroy();
      if (fault?.status !== undefined) {
        const body =
          fault.body ?? new ApiError(fault.status, reasonOf(fault.status), "injected fault").body();
        return send(fault.status, body, { ...fault.headers });
      }
      user = authenticate(incoming, tokens);
      const request: ApiRequest = {
        method,
        path: url.pathname,
        query: url.searchParams,
        contentType: (incoming.headers["content-type"] ?? "").split(";")[0]!.trim(),
        userAgent: incoming.headers["user-agent"] ?? "",
        body: parseBody(raw, incoming.headers["content-type"] ?? ""),
        user,
      };
      const result = await handle(parts, request, incoming.headers.accept ?? "");
      if (fault?.reset === "after") return void incoming.socket.destroy();
      if ("start" in result) {
        calls.push({ method, path: url.pathname, status: 200, user: user.name });
        outgoing.writeHead(200, { "content-type": "application/json", "audit-id": randomUUID() });
        outgoing.flushHeaders();
        const stop = result.start(
          (line) => outgoing.write(line),
          () => outgoing.end(),
        );
        outgoing.once("close", stop);
        return;
      }
      const warnings = (result.warnings ?? []).map((text) => `299 - ${JSON.stringify(text)}`);
      send(result.status, result.body, warnings.length > 0 ? { warning: warnings.join(", ") } : {});
    } catch (error) {
      if (error instanceof ApiError) return send(error.code, error.body(), { ...error.headers });
      const text = `defect in the emulator: ${error instanceof Error ? error.stack : String(error)}`;
      send(500, new ApiError(500, "InternalError", text).body());
    }
  }

  return {
    calls,
    accept(stream, serving) {
      streams.add(stream);
      stream.once("close", () => streams.delete(stream));
      stream.on("error", () => stream.destroy());
      serverFor(serving).emit("connection", stream);
    },
    close() {
      for (const stream of streams) stream.destroy();
      for (const server of servers.values()) server.closeAllConnections();
    },
  };
}

/** Client certificate (CN is the user, O are the groups) or bearer token; nobody is let in without. */
function authenticate(incoming: IncomingMessage, tokens: Readonly<Record<string, RequestUser>>): RequestUser {
  const socket = incoming.socket as TLSSocket;
  const certificate = socket.getPeerCertificate();
  if (certificate?.subject) {
    if (!socket.authorized) throw unauthorized();
    const organization = certificate.subject.O as string | string[] | undefined;
    const groups = organization === undefined ? [] : [organization].flat();
    return { name: String(certificate.subject.CN), groups: [...groups, "system:authenticated"] };
  }
  const token = /^Bearer (.+)$/.exec(incoming.headers.authorization ?? "")?.[1];
  const user = token === undefined ? undefined : tokens[token];
  if (!user) throw unauthorized();
  return { ...user, groups: [...user.groups, "system:authenticated"] };
}

async function readBody(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

function parseBody(text: string, contentType: string): unknown {
  if (text === "") return undefined;
  // Of another type it is refused by the verb, which knows what it takes.
  if (!/json|yaml/.test(contentType)) return text;
  try {
    return contentType.includes("yaml") && !text.startsWith("{") ? parseYaml(text) : JSON.parse(text);
  } catch (error) {
    return new BrokenBody(error instanceof Error ? error.message : "not valid");
  }
}

function reasonOf(status: number): string {
  const reasons: Readonly<Record<number, string>> = {
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
  };
  return reasons[status] ?? "";
}

import { readFile } from "node:fs/promises";
import { Agent, request } from "node:https";

/** An answer of the API server. */
export interface ApiAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** The API server, as far as the agent needs it. Rejects when there is no answer; a refusal is an answer. */
export interface KubernetesCalls {
  call(
    method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE",
    path: string,
    body: unknown,
    signal: AbortSignal,
  ): Promise<ApiAnswer>;
}

/** Where the API server is and how to speak to it. */
export interface KubernetesAccess {
  readonly host: string;
  readonly port: number;
  /** Directory with `token` and `ca.crt`, as kubelet mounts it. Both are exchanged while the agent runs. */
  readonly credentials: string;
}

/**
 * A client of a few lines over `node:https`: the official one is 20 MB and would not fit into a ConfigMap.
 * Token and CA are read again every ten seconds, for the kubelet exchanges them (tokens live an hour or
 * less).
 */
export function connectKubernetes(access: KubernetesAccess): KubernetesCalls {
  let token = "";
  let ca = "";
  let readAt = Number.NEGATIVE_INFINITY;
  let agent = new Agent({ keepAlive: true, maxSockets: 4 });

  async function readCredentials(): Promise<void> {
    if (performance.now() - readAt < 10_000) return;
    const [newToken, newCa] = await Promise.all(
      ["token", "ca.crt"].map((name) => readFile(`${access.credentials}/${name}`, "utf8")),
    );
    token = (newToken ?? "").trim();
    if (newCa !== undefined && newCa !== ca) {
      ca = newCa;
      agent.destroy();
      agent = new Agent({ keepAlive: true, maxSockets: 4, ca });
    }
    readAt = performance.now();
  }

  return {
    async call(method, path, body, signal) {
      await readCredentials();
      signal.throwIfAborted();
      return new Promise((resolve, reject) => {
        const text = body === undefined ? undefined : JSON.stringify(body);
        const type = method === "PATCH" ? "application/merge-patch+json" : "application/json";
        const sent = request(
          {
            host: access.host,
            port: access.port,
            path,
            method,
            agent,
            signal,
            headers: {
              accept: "application/json",
              authorization: `Bearer ${token}`,
              "user-agent": "multicloud-entrypoint-agent",
              ...(text === undefined
                ? {}
                : { "content-type": type, "content-length": Buffer.byteLength(text) }),
            },
          },
          (response) => {
            const chunks: Buffer[] = [];
            response.on("data", (chunk: Buffer) => chunks.push(chunk));
            response.on("error", reject);
            response.on("end", () => {
              // Perhaps it was exchanged a moment ago.
              if (response.statusCode === 401) readAt = Number.NEGATIVE_INFINITY;
              try {
                const answer = Buffer.concat(chunks).toString("utf8");
                resolve({ status: response.statusCode ?? 0, body: answer ? JSON.parse(answer) : undefined });
              } catch (error) {
                reject(error);
              }
            });
          },
        );
        sent.on("error", reject);
        sent.end(text);
      });
    },
  };
}

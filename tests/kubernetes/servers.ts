import { readFile } from "node:fs/promises";
import { request as httpsRequest } from "node:https";
import { createConnections } from "../../packages/kubernetes/src/client/connections.js";
import { resolveEndpoint } from "../../packages/kubernetes/src/client/credentials.js";
import {
  type ConnectOptions,
  connect,
  type KubernetesApi,
  parseKubeconfig,
} from "../../packages/kubernetes/src/index.js";
import { createPki, kubeconfigOf, setUp } from "../../packages/kubernetes/test/fixture.js";
import { fakeWorld } from "../../packages/testing/test/fake-world.js";

/** One request, as it goes over the wire. */
export interface RawRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly body?: unknown;
  /** Default `application/json`. */
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What came back. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Parsed JSON, or the text of anything else. */
  readonly body: unknown;
}

/** An API server, real or emulated, with full rights. */
export interface Server {
  readonly name: "real" | "emulated";
  readonly kubeconfig: string;
  /** The CA of its certificate. */
  readonly caPem: string;
  /** A client of packages/kubernetes, closed with the server. */
  client(options?: ConnectOptions & { readonly kubeconfig?: string }): Promise<KubernetesApi>;
  request(request: RawRequest): Promise<RawAnswer>;
  close(): Promise<void>;
}

/** The one that with-kubernetes.sh started. */
export async function realServer(): Promise<Server> {
  return serverOf("real", await readFile(kubeconfigFile(), "utf8"), {}, async () => {});
}

/** An emulated cluster, with workers `worker-1` and so on. */
export async function emulatedServer(nodes = 0): Promise<Server> {
  const pki = await createPki();
  const fixture = await setUp(pki, { world: fakeWorld(), nodes });
  const { dialer } = fixture;
  return serverOf("emulated", kubeconfigOf(pki, pki.admin), { dialer }, () => fixture.close());
}

/** Path of the real server's kubeconfig. */
export function kubeconfigFile(): string {
  const file = process.env.MULTICLOUD_KUBERNETES_KUBECONFIG;
  if (!file) throw new Error("no real API server: run `npm run test:kubernetes`");
  return file;
}

function serverOf(
  name: Server["name"],
  kubeconfig: string,
  options: Pick<ConnectOptions, "dialer">,
  end: () => Promise<void>,
): Server {
  const endpoint = resolveEndpoint(parseKubeconfig(kubeconfig));
  const connections = createConnections(endpoint, { ...options, timeoutMs: 30_000 });
  const clients: KubernetesApi[] = [];
  return {
    name,
    kubeconfig,
    caPem: endpoint.caPem ?? "",
    async client({ kubeconfig: other, ...more } = {}) {
      const client = await connect(other ?? kubeconfig, {
        ...options,
        pollIntervalMs: 50,
        backoffMs: 20,
        ...more,
      });
      clients.push(client);
      return client;
    },
    request: ({ method, path, body, contentType = "application/json", headers = {} }) =>
      new Promise((resolve, reject) => {
        const payload =
          body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body);
        const outgoing = httpsRequest(
          new URL(path, endpoint.url),
          {
            method,
            agent: connections.agent,
            timeout: 30_000,
            headers: {
              accept: "application/json",
              "user-agent": "comparison/1.0",
              ...(payload === undefined
                ? {}
                : { "content-type": contentType, "content-length": Buffer.byteLength(payload) }),
              ...headers,
            },
          },
          (incoming) => {
            const chunks: Buffer[] = [];
            incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
            incoming.once("error", reject);
            incoming.once("end", () => {
              const text = Buffer.concat(chunks).toString();
              const isJson = incoming.headers["content-type"]?.includes("json") === true;
              resolve({
                status: incoming.statusCode ?? 0,
                headers: incoming.headers,
                body: isJson ? JSON.parse(text) : text,
              });
            });
          },
        );
        outgoing.once("timeout", () => outgoing.destroy(new Error(`${method} ${path}: no answer`)));
        outgoing.once("error", reject);
        outgoing.end(payload);
      }),
    async close() {
      for (const client of clients) await client.close();
      connections.close();
      await end();
    },
  };
}

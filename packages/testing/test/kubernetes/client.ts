import { request } from "node:https";
import { connect } from "node:tls";
import {
  createKubernetesCluster,
  type EmulatedCluster,
  type KubernetesClusterOptions,
} from "../../src/kubernetes/kubernetes-cluster.js";
import { createAuthority, issue, type KeyPair } from "../../src/rke/certificates/authority.js";
import { createStreamPair } from "../../src/world/network-stream.js";
import { type FakeWorld, fakeWorld } from "../fake-world.js";

/** An object, a list or a Status, with what the tests look at. */
export interface Body {
  readonly message: string;
  readonly metadata: {
    readonly resourceVersion: string;
    readonly uid: string;
    readonly generation: number;
    readonly continue?: string;
    readonly deletionTimestamp?: string;
    readonly managedFields?: readonly unknown[];
  };
  readonly spec: {
    readonly replicas: number;
    readonly nonsense?: unknown;
    readonly template: { readonly spec: { readonly containers: readonly unknown[] } };
  };
  readonly data?: unknown;
  readonly status?: { readonly replicas?: number };
  readonly items: readonly { readonly metadata: { readonly name: string } }[];
  readonly groups: readonly { readonly name: string }[];
  readonly resources: readonly unknown[];
}

export interface Answer {
  readonly status: number;
  readonly body: Body;
  readonly headers: Readonly<Record<string, unknown>>;
}

/** An emulated cluster and plain HTTPS to it: what any client would send and get. */
export interface Raw {
  readonly world: FakeWorld;
  readonly cluster: EmulatedCluster;
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** Events of a watch, one at a time. */
  watch(path: string): { next(): Promise<{ type: string; object: Record<string, unknown> }>; close(): void };
  close(): void;
}

let authority: Promise<{ ca: KeyPair; serving: KeyPair; admin: KeyPair }> | undefined;

async function certificates() {
  const ca = await createAuthority("kube-ca");
  const [serving, admin] = await Promise.all([
    issue(ca, { commonName: "kube-apiserver", names: ["kubernetes"] }),
    issue(ca, { commonName: "admin", organization: "system:masters" }),
  ]);
  return { ca, serving, admin };
}

export async function setUp(options: KubernetesClusterOptions = {}, world = fakeWorld()): Promise<Raw> {
  authority ??= certificates();
  const { ca, serving, admin } = await authority;
  const cluster = createKubernetesCluster(world, options);
  const dial = (token: string | undefined) => {
    const [near, far] = createStreamPair();
    cluster.accept(far, { certPem: serving.certPem, keyPem: serving.keyPem, clientCaPem: ca.certPem });
    const identity = token === undefined ? { cert: admin.certPem, key: admin.keyPem } : {};
    return connect({
      socket: near,
      host: "kubernetes",
      servername: "kubernetes",
      ca: ca.certPem,
      ...identity,
    });
  };
  const start = (method: string, path: string, headers: Record<string, string>) =>
    request({
      method,
      path,
      host: "kubernetes",
      headers,
      createConnection: () => dial(headers.authorization),
    });
  return {
    world,
    cluster,
    call: (method, path, body, headers = {}) =>
      new Promise((resolve, reject) => {
        const type = body === undefined ? {} : { "content-type": "application/json" };
        const outgoing = start(method, path, { ...type, ...headers });
        outgoing.on("error", reject);
        outgoing.on("response", async (incoming) => {
          const chunks: Buffer[] = [];
          for await (const chunk of incoming) chunks.push(chunk as Buffer);
          const text = Buffer.concat(chunks).toString();
          const isJson = String(incoming.headers["content-type"]).includes("json");
          resolve({
            status: incoming.statusCode ?? 0,
            body: isJson ? JSON.parse(text) : text,
            headers: incoming.headers,
          });
        });
        outgoing.end(body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body));
      }),
    watch(path) {
      const outgoing = start("GET", path, {});
      const events: { type: string; object: Record<string, unknown> }[] = [];
      const waiting: (() => void)[] = [];
      let rest = "";
      outgoing.on("error", () => {});
      outgoing.on("response", (incoming) => {
        incoming.on("error", () => {});
        incoming.on("data", (chunk) => {
          const lines = `${rest}${String(chunk)}`.split("\n");
          rest = lines.pop() ?? "";
          for (const line of lines) events.push(JSON.parse(line));
          for (const wake of waiting.splice(0)) wake();
        });
      });
      outgoing.end();
      return {
        async next() {
          while (events.length === 0) await new Promise<void>((resolve) => waiting.push(resolve));
          return events.shift()!;
        },
        close: () => void outgoing.destroy(),
      };
    },
    close() {
      cluster.close();
      world.clock.stop();
    },
  };
}

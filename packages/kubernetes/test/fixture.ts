import { stringify } from "yaml";
import {
  createKubernetesCluster,
  type EmulatedCluster,
  type KubernetesClusterOptions,
} from "../../testing/src/kubernetes/kubernetes-cluster.js";
import { createAuthority, issue } from "../../testing/src/rke/certificates/authority.js";
import { createStreamPair } from "../../testing/src/world/network-stream.js";
import { type FakeWorld, fakeWorld } from "../../testing/test/fake-world.js";
import { type ConnectOptions, connect, type Dialer, type KubernetesApi } from "../src/index.js";

/** Certificates of one cluster; making them takes a while, so a file of tests shares them. */
export async function createPki() {
  const ca = await createAuthority("kube-ca");
  const [serving, admin, guest, stranger] = await Promise.all([
    issue(ca, { commonName: "kube-apiserver", names: ["10.1.0.1", "kubernetes"] }),
    issue(ca, { commonName: "kube-admin", organization: "system:masters" }),
    issue(ca, { commonName: "guest", organization: "guests" }),
    createAuthority("somebody-else").then((other) =>
      issue(other, { commonName: "kube-admin", organization: "system:masters" }),
    ),
  ]);
  return { ca, serving, admin, guest, stranger };
}

export type Pki = Awaited<ReturnType<typeof createPki>>;

/** A kubeconfig for a client certificate or a token. */
export function kubeconfigOf(
  pki: Pki,
  user: { readonly certPem: string; readonly keyPem: string } | { readonly token: string },
  server = "https://10.1.0.1:6443",
): string {
  const encoded = (text: string) => Buffer.from(text).toString("base64");
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "local", cluster: { server, "certificate-authority-data": encoded(pki.ca.certPem) } }],
    users: [
      {
        name: "admin",
        user:
          "token" in user
            ? user
            : { "client-certificate-data": encoded(user.certPem), "client-key-data": encoded(user.keyPem) },
      },
    ],
    contexts: [{ name: "local", context: { cluster: "local", user: "admin" } }],
    "current-context": "local",
  });
}

/** An emulated cluster with three workers, and a client for it. */
export interface Fixture {
  readonly world: FakeWorld;
  readonly cluster: EmulatedCluster;
  readonly api: KubernetesApi;
  /** Connections dialled so far. */
  readonly dials: { readonly host: string; readonly port: number }[];
  readonly dialer: Dialer;
  connect(kubeconfig: string, options?: ConnectOptions): Promise<KubernetesApi>;
  /** Requests that could have changed something. */
  writes(): number;
  close(): Promise<void>;
}

export async function setUp(
  pki: Pki,
  options: { readonly world?: FakeWorld; readonly nodes?: number } & KubernetesClusterOptions = {},
): Promise<Fixture> {
  const world = options.world ?? fakeWorld();
  const cluster = createKubernetesCluster(world, options);
  for (let n = 1; n <= (options.nodes ?? 3); n++) addWorker(cluster, `worker-${n}`);
  const dials: { host: string; port: number }[] = [];
  const dialer: Dialer = async (target) => {
    dials.push(target);
    const [near, far] = createStreamPair();
    cluster.accept(far, {
      certPem: pki.serving.certPem,
      keyPem: pki.serving.keyPem,
      clientCaPem: pki.ca.certPem,
    });
    return near;
  };
  const clients: KubernetesApi[] = [];
  const connectTo = async (kubeconfig: string, more: ConnectOptions = {}) => {
    const client = await connect(kubeconfig, { dialer, pollIntervalMs: 1, backoffMs: 1, ...more });
    clients.push(client);
    return client;
  };
  return {
    world,
    cluster,
    dials,
    dialer,
    connect: connectTo,
    api: await connectTo(kubeconfigOf(pki, pki.admin)),
    writes: () => cluster.calls.filter(({ method }) => method !== "GET").length,
    async close() {
      for (const client of clients) await client.close();
      cluster.close();
      world.clock.stop();
    },
  };
}

export function addWorker(cluster: EmulatedCluster, name: string, ready = true): void {
  cluster.registerNode({
    name,
    labels: { "topology.kubernetes.io/region": name },
    internalIP: `10.2.0.${name.length}`,
    version: "v1.32.13",
    ready,
    roles: ["worker"],
  });
}

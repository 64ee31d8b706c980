import type {
  Addon,
  AddonContext,
  KubernetesObject,
  ObjectReference,
  StateStore,
} from "@multicloud/core/plugin";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  addon,
  certManager,
  helloWorld,
  longhorn,
  rookCeph,
  traefik,
} from "../../packages/addons/src/index.js";
import { entrypointAgentManifest } from "../../packages/entrypoint-agent/src/index.js";
import type { KubernetesApi } from "../../packages/kubernetes/src/index.js";
import { certManagerManifest } from "../../packages/testing/src/releases/cert-manager-manifest.js";
import { customResource } from "../../packages/testing/src/releases/custom-resource.js";
import { longhornManifest } from "../../packages/testing/src/releases/longhorn-manifest.js";
import { agentInput } from "./agent-input.js";
import { genuine } from "./genuine.js";
import { type PlayedNodes, playNodes } from "./nodes.js";
import { type Player, playCertManager, playLonghorn, playRook } from "./players.js";
import { realServer, type Server } from "./servers.js";

const sites: Readonly<Record<string, string>> = {
  "worker-1": "home",
  "worker-2": "home",
  "worker-3": "cloud",
};

let server: Server;
let nodes: PlayedNodes;
let api: KubernetesApi;
/** What the addon of a test applied. */
let applied: { readonly reference: ObjectReference; readonly changed: boolean }[] = [];
let context: AddonContext;
beforeAll(async () => {
  server = await realServer();
  nodes = playNodes(server);
  for (const [worker, site] of Object.entries(sites))
    await nodes.add(worker, {
      "kubernetes.io/os": "linux",
      "topology.kubernetes.io/region": site,
      "topology.kubernetes.io/zone": site,
    });
  api = await server.client();
  const state = new Map<string, Uint8Array>();
  context = {
    cluster: "homelab",
    signal: new AbortController().signal,
    dialer: () => Promise.reject(new Error("nothing is dialled here")),
    report: () => {},
    nodes: Object.entries(sites).map(([name, site]) => ({
      name,
      site,
      role: "worker",
      labels: {},
      jump: [],
    })),
    state: { read: async (key: string) => state.get(key) } as StateStore,
    kubernetes: {
      ...api,
      async apply(objects, options) {
        const results = await api.apply(objects, options);
        applied.push(...results);
        return results;
      },
    },
  };
});
afterAll(async () => {
  await nodes?.stop();
  await server?.close();
});

/** Applies twice: everything is stored as it is, strictly validated, and the second time changes nothing. */
async function applyTwice(one: Addon, player?: Player): Promise<number> {
  try {
    applied = [];
    await one.apply(context);
    const first = applied;
    expect(first.some(({ changed }) => changed)).toBe(true);
    const references = [
      ...new Map(first.map(({ reference }) => [JSON.stringify(reference), reference])).values(),
    ];
    const versions = () =>
      Promise.all(
        references.map(async (reference) => (await generationOf(reference)) ?? `${reference.name} is gone`),
      );
    const before = await versions();
    applied = [];
    await one.apply(context);
    expect(applied.filter(({ changed }) => changed)).toEqual([]);
    expect(await versions()).toEqual(before);
    return references.length;
  } finally {
    await player?.stop();
  }
}

/** What changes with what is wanted of an object; its resourceVersion also changes with its status. */
async function generationOf(reference: ObjectReference): Promise<unknown> {
  const found = await api.get(reference);
  if (!found) return undefined;
  const { generation, resourceVersion, uid } = found.metadata;
  return [uid, generation ?? resourceVersion];
}

async function removeAll(namespace: string, kinds: readonly (readonly [string, string])[]): Promise<void> {
  for (const [apiVersion, kind] of kinds)
    for (const { metadata } of await api.list({ apiVersion, kind }))
      await api.delete({ apiVersion, kind, name: metadata.name });
  // Pods that are still ending make the namespace controller look again only much later.
  for (const kind of ["DaemonSet", "Deployment"])
    for (const { metadata } of await api.list({ apiVersion: "apps/v1", kind, namespace }))
      await api.delete({ apiVersion: "apps/v1", kind, name: metadata.name, namespace });
  const pods = () => api.list({ apiVersion: "v1", kind: "Pod", namespace });
  await expect.poll(pods, { timeout: 60_000 }).toEqual([]);
  await api.delete({ apiVersion: "v1", kind: "Namespace", name: namespace });
  await expect
    .poll(() => api.get({ apiVersion: "v1", kind: "Namespace", name: namespace }), { timeout: 60_000 })
    .toBeUndefined();
}
const definitions = ["apiextensions.k8s.io/v1", "CustomResourceDefinition"] as const;
const storageClasses = ["storage.k8s.io/v1", "StorageClass"] as const;
const webhooks = (kind: string) =>
  ["admissionregistration.k8s.io/v1", `${kind}WebhookConfiguration`] as const;

// JSON is YAML.
const toYaml = (objects: readonly object[]) =>
  objects.map((object) => `---\n${JSON.stringify(object)}\n`).join("");
const definition = (group: string, version: string, kind: string, plural: string) =>
  customResource({ group, version, kind, plural, scope: "Namespaced", labels: {} });

test("hello-world", async () => {
  expect(await applyTwice(helloWorld({ host: "hello.apps.example.com" }))).toBe(4);
});

const ui = { host: "longhorn.example.com", user: "admin", password: "correct horse" };

test("longhorn, on a stand-in for its manifest, with its interface behind nginx", async () => {
  const manifest = toYaml(longhornManifest());
  const options = { manifest, pollIntervalMs: 50, ui: { ...ui, ingressClass: "nginx" as const } };
  expect(await applyTwice(longhorn(options), playLonghorn(server))).toBeGreaterThan(25);
  const found = await api.list({ apiVersion: "storage.k8s.io/v1", kind: "StorageClass" });
  expect(found.map(({ metadata }) => metadata.name)).toEqual(["longhorn", "longhorn-cloud", "longhorn-home"]);
  // Other copies, another default: Longhorn makes its class anew, and nothing of ours is in the way.
  await applyTwice(
    longhorn({ ...options, replicas: 3, defaultClass: false, kubeletRootDir: "/data/kubelet" }),
    playLonghorn(server),
  );
  await removeAll("longhorn-system", [definitions, storageClasses]);
});

test.runIf(genuine("longhorn"))("longhorn, on its genuine manifest", async () => {
  const manifest = genuine("longhorn")![0]!;
  expect(await applyTwice(longhorn({ manifest, pollIntervalMs: 50 }), playLonghorn(server))).toBeGreaterThan(
    40,
  );
  await removeAll("longhorn-system", [definitions, storageClasses]);
});

test("cert-manager, on a stand-in for its manifest: its webhook is really asked", async () => {
  const manifest = toYaml(certManagerManifest());
  const player = await playCertManager(server);
  const options = { email: "ops@example.com", manifest, pollIntervalMs: 50 };
  await applyTwice(
    certManager({ ...options, cloudflare: { token: "secret", zones: ["example.com"] } }),
    player,
  );
  expect(player.reviews).toBeGreaterThan(0);
  await removeAll("cert-manager", [webhooks("Mutating"), webhooks("Validating"), definitions]);
});

test.runIf(genuine("cert-manager"))("cert-manager, on its genuine manifest", async () => {
  const options = { email: "ops@example.com", manifest: genuine("cert-manager")![0]!, pollIntervalMs: 50 };
  await applyTwice(
    certManager({ ...options, cloudflare: { token: "secret", zones: ["example.com"] } }),
    await playCertManager(server),
  );
  await removeAll("cert-manager", [webhooks("Mutating"), webhooks("Validating"), definitions]);
});

test("traefik, on a stand-in for its definitions", async () => {
  const manifest = toYaml([definition("traefik.io", "v1alpha1", "Middleware", "middlewares")]);
  expect(await applyTwice(traefik({ manifest }))).toBe(7);
  await removeAll("traefik", [definitions, ["networking.k8s.io/v1", "IngressClass"]]);
});

test.runIf(genuine("traefik"))(
  "traefik, on its genuine definitions, and longhorn's interface behind it",
  async () => {
    expect(await applyTwice(traefik({ manifest: genuine("traefik")![0]! }))).toBeGreaterThan(10);
    const manifest = toYaml(longhornManifest());
    await applyTwice(longhorn({ manifest, pollIntervalMs: 50, ui }), playLonghorn(server));
    const { metadata, spec } = (await api.get({
      apiVersion: "networking.k8s.io/v1",
      kind: "Ingress",
      name: "longhorn-ui",
      namespace: "longhorn-system",
    })) as KubernetesObject & { readonly spec: { readonly ingressClassName: string } };
    expect(spec.ingressClassName).toBe("traefik");
    expect(Object.keys(metadata.annotations ?? {})).toContain(
      "traefik.ingress.kubernetes.io/router.middlewares",
    );
    await removeAll("traefik", [["networking.k8s.io/v1", "IngressClass"]]);
    await removeAll("longhorn-system", [definitions, storageClasses]);
  },
);

test.runIf(genuine("rook-ceph"))("rook-ceph, on its genuine manifests", async () => {
  const manifests = genuine("rook-ceph")!;
  const options = { manifests, site: "home", deviceFilter: "^vd[b-z]$" };
  expect(await applyTwice(rookCeph(options), playRook(server))).toBeGreaterThan(50);
  await removeAll("rook-ceph", [definitions, storageClasses]);
});

test("the user's own objects, a chart where nothing installs charts, and a misspelt field", async () => {
  const namespace: KubernetesObject = { apiVersion: "v1", kind: "Namespace", metadata: { name: "own" } };
  const settings = (more: object) => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "settings", namespace: "own" },
    data: { a: "1" },
    ...more,
  });
  expect(await applyTwice(addon({ name: "own", objects: [settings({}), namespace] }))).toBe(2);
  await expect(addon({ name: "own", objects: [settings({ datas: {} })] }).apply(context)).rejects.toThrow(
    ".datas: field not declared in schema",
  );
  const chart = { chart: "podinfo", repo: "https://charts.example.org", version: "6.0.0", namespace: "own" };
  await expect(addon({ name: "podinfo", chart }).apply(context)).rejects.toThrow("no Helm controller");
  await removeAll("own", []);
});

test("the entrypoint agent, whose pods the restricted Pod Security standard lets in", async () => {
  const objects = entrypointAgentManifest(agentInput);
  const daemonSet = { apiVersion: "apps/v1", kind: "DaemonSet", name: "agent", namespace: "entrypoint" };
  expect(await applyTwice(addon({ name: "agent", objects, waitFor: [daemonSet] }))).toBe(objects.length);
  const pods = await api.list({ apiVersion: "v1", kind: "Pod", namespace: "entrypoint" });
  expect(pods).toHaveLength(3);
  await removeAll("entrypoint", []);
});

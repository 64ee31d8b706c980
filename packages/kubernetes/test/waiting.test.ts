import { afterEach, beforeAll, expect, test } from "vitest";
import { fakeWorld, manualClock } from "../../testing/test/fake-world.js";
import { KubernetesError } from "../src/index.js";
import { addWorker, createPki, type Fixture, kubeconfigOf, type Pki, setUp } from "./fixture.js";
import { daemonSet, deployment, namespace } from "./objects.js";

let pki: Pki;
let fixture: Fixture;
beforeAll(async () => {
  pki = await createPki();
});
afterEach(() => fixture.close());

const hello = { apiVersion: "apps/v1", kind: "Deployment", name: "hello", namespace: "web" };

test("waits for a Deployment to roll out, and tells how far it is", async () => {
  const clock = manualClock();
  fixture = await setUp(pki, { world: fakeWorld({ clock, timing: { rolloutMs: 20_000 } }) });
  await fixture.api.apply([namespace("web"), deployment("hello", 3)]);
  const seen: string[] = [];
  let done = false;
  const wait = fixture.api
    .waitReady(hello, {
      onProgress(message) {
        seen.push(message);
        if (message === "0 of 3 replicas available") void clock.advance(20_000);
      },
    })
    .then(() => {
      done = true;
    });
  await wait;
  expect(done).toBe(true);
  expect(seen).toContain("0 of 3 replicas available");
});

test("a wait that takes too long says what it last saw and what to look at", async () => {
  fixture = await setUp(pki, { nodes: 0 });
  await fixture.api.apply([namespace("web"), deployment("hello", 1)]);
  const error = await fixture.api.waitReady(hello, { timeoutMs: 2_000 }).catch((reason) => reason);
  expect(error).toMatchObject({ code: "TIMEOUT", reference: hello });
  expect(error.message).toContain("Deployment web/hello to become ready: 0 of 1 replicas available");
  expect(error.hint).toContain("kubectl describe deployment hello --namespace web");
});

test("waits through an API server that is away for a while", async () => {
  fixture = await setUp(pki);
  await fixture.api.apply([namespace("web"), deployment("hello", 1)]);
  fixture.world.faults.add({ service: "kubernetes", method: "GET", times: 12, status: 503 });
  await fixture.api.waitReady(hello);
  fixture.world.faults.add({ service: "kubernetes", method: "GET", times: 12, reset: "before" });
  await fixture.api.waitReady(hello);
});

test("a wait ends with the signal's reason", async () => {
  fixture = await setUp(pki, { nodes: 0 });
  const abort = new AbortController();
  const reason = new Error("enough");
  const wait = fixture.api.waitReady(hello, { signal: abort.signal, onProgress: () => abort.abort(reason) });
  await expect(wait).rejects.toBe(reason);
});

test("a failed Job ends the wait at once", async () => {
  fixture = await setUp(pki);
  fixture.cluster.seed({
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: "migrate", namespace: "default" },
    spec: { completions: 0, template: {} },
    status: {
      conditions: [{ type: "Failed", status: "True", reason: "BackoffLimitExceeded", message: "it gave up" }],
    },
  });
  const wait = fixture.api.waitReady({
    apiVersion: "batch/v1",
    kind: "Job",
    name: "migrate",
    namespace: "default",
  });
  await expect(wait).rejects.toThrow("Job default/migrate cannot become ready: it failed: it gave up");
});

test("nodes as kubectl shows them, and waiting for them", async () => {
  fixture = await setUp(pki, { nodes: 1 });
  fixture.cluster.registerNode({
    name: "master-1",
    labels: { "topology.kubernetes.io/region": "home" },
    internalIP: "10.147.20.1",
    externalIP: "198.51.100.9",
    version: "v1.32.13",
    ready: false,
    roles: ["controlplane", "etcd"],
  });
  const [master] = await fixture.api.nodes();
  expect(master).toEqual({
    name: "master-1",
    ready: false,
    roles: ["controlplane", "etcd"],
    internalAddress: "10.147.20.1",
    externalAddress: "198.51.100.9",
    version: "v1.32.13",
    schedulable: true,
    labels: expect.objectContaining({ "topology.kubernetes.io/region": "home" }),
  });
  const nodes = await fixture.api.waitNodesReady(["master-1", "worker-1", "worker-2"], {
    onProgress(message) {
      expect(message).toContain("waiting for master-1, worker-2");
      fixture.cluster.setNodeReady("master-1", true);
      addWorker(fixture.cluster, "worker-2");
    },
  });
  expect(nodes.map(({ name }) => name)).toEqual(["master-1", "worker-1", "worker-2"]);
});

test("drains a node: cordons it, moves its pods, leaves those of DaemonSets and static pods", async () => {
  fixture = await setUp(pki);
  const { api, cluster } = fixture;
  await api.apply([namespace("web"), deployment("hello", 3), daemonSet("agent")]);
  await api.waitReady(hello);
  await api.waitReady({ ...hello, kind: "DaemonSet", name: "agent" });
  cluster.seed({
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: "static",
      namespace: "kube-system",
      annotations: { "kubernetes.io/config.mirror": "x" },
    },
    spec: { nodeName: "worker-1", containers: [] },
    status: { phase: "Running" },
  });
  await api.drain("worker-1");
  const left = cluster
    .objects("Pod")
    .filter((pod) => pod.spec?.nodeName === "worker-1")
    .map((pod) => pod.metadata.ownerReferences?.[0]?.kind ?? pod.metadata.name);
  expect(left.sort()).toEqual(["DaemonSet", "static"]);
  expect((await api.nodes()).find(({ name }) => name === "worker-1")?.schedulable).toBe(false);
  await api.waitReady(hello);

  const before = fixture.writes();
  await api.drain("worker-1");
  await api.drain("no-such-node");
  expect(fixture.writes()).toBe(before);
});

test("a drain waits until the disruption budget has room, and says which one has none", async () => {
  fixture = await setUp(pki);
  const { api, cluster } = fixture;
  const budget = (minAvailable: number) => ({
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { name: "keep", namespace: "web" },
    spec: { minAvailable, selector: { matchLabels: { app: "hello" } } },
  });
  await api.apply([namespace("web"), deployment("hello", 3), budget(3)]);
  await api.waitReady(hello);
  const pods = () => cluster.objects("Pod").filter((pod) => pod.spec?.nodeName === "worker-1").length;
  const error = await api.drain("worker-1", { timeoutMs: 2_000 }).catch((reason) => reason);
  expect(KubernetesError.isInstance(error) && error.code).toBe("TIMEOUT");
  expect(error.message).toContain("The disruption budget keep needs 3 healthy pods and has 3 currently");
  expect(pods()).toBe(1);

  let refusals = 0;
  await api.drain("worker-1", {
    onProgress() {
      if (refusals++ === 0)
        cluster.modify({ ...budget(0), name: "keep", namespace: "web" }, (draft) => {
          draft.spec = { ...draft.spec, minAvailable: 2 };
        });
    },
  });
  expect(refusals).toBeGreaterThan(0);
  expect(pods()).toBe(0);
});

test("hears of a change by a watch, long before the next look would be due", async () => {
  fixture = await setUp(pki, { nodes: 0 });
  const slow = await fixture.connect(kubeconfigOf(pki, pki.admin), { pollIntervalMs: 3_600_000 });
  const nodes = slow.waitNodesReady(["worker-1"], {
    onProgress: () => void setTimeout(() => addWorker(fixture.cluster, "worker-1"), 20),
  });
  expect((await nodes).map(({ name }) => name)).toEqual(["worker-1"]);
  await fixture.api.apply([namespace("web"), deployment("hello", 1)]);
  await slow.waitReady(hello);
  await slow.drain("worker-1", { timeoutMs: 50 }).catch(() => {});
});

test("looks at intervals where watching is not possible, or a watch breaks", async () => {
  fixture = await setUp(pki, { nodes: 0, tokens: { t: { name: "looker", groups: ["lookers"] } } });
  fixture.cluster.seed({
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRole",
    metadata: { name: "lookers" },
    rules: [{ apiGroups: [""], resources: ["nodes"], verbs: ["list"] }],
  });
  fixture.cluster.seed({
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRoleBinding",
    metadata: { name: "lookers" },
    roleRef: { kind: "ClusterRole", name: "lookers" },
    subjects: [{ kind: "Group", name: "lookers" }],
  });
  for (const user of [{ token: "t" }, pki.admin]) {
    const api = await fixture.connect(kubeconfigOf(pki, user));
    let looks = 0;
    await api.waitNodesReady(["worker-1"], {
      onProgress() {
        looks += 1;
        fixture.world.faults.add({ service: "kubernetes", method: "GET", reset: "before" });
        setTimeout(() => addWorker(fixture.cluster, "worker-1"), 500);
      },
    });
    expect(looks).toBe(1);
    fixture.cluster.removeNode("worker-1");
  }
  expect(fixture.cluster.calls.some(({ user, status }) => user === "looker" && status === 403)).toBe(true);
});

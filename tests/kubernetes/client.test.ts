import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type KubernetesApi,
  KubernetesError,
  type KubernetesObject,
} from "../../packages/kubernetes/src/index.js";
import {
  configMap,
  daemonSet,
  definition,
  deployment,
  namespace,
  service,
} from "../../packages/kubernetes/test/objects.js";
import { type PlayedNodes, playNodes } from "./nodes.js";
import { emulatedServer, realServer, type Server } from "./servers.js";

const workers = ["worker-1", "worker-2", "worker-3"];

/** What packages/kubernetes promises, held against the real API server and, word for word, the emulated one. */
describe.each([
  { name: "real", start: realServer },
  { name: "emulated", start: () => emulatedServer(workers.length) },
])("on the $name API server", ({ name, start }) => {
  let server: Server;
  let nodes: PlayedNodes | undefined;
  let api: KubernetesApi;
  let writes: string[] = [];
  beforeAll(async () => {
    server = await start();
    if (name === "real") {
      nodes = playNodes(server);
      for (const worker of workers) await nodes.add(worker);
    }
    api = await server.client({
      onRequest: ({ method, path }) => void (method === "GET" || writes.push(`${method} ${path}`)),
    });
  });
  afterAll(async () => {
    for (const { metadata } of await api.list({ apiVersion: "v1", kind: "Namespace", labelSelector: "case" }))
      await api.delete({ apiVersion: "v1", kind: "Namespace", name: metadata.name });
    for (const { metadata } of await api.list({
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
    }))
      await api.delete({
        apiVersion: "apiextensions.k8s.io/v1",
        kind: "CustomResourceDefinition",
        name: metadata.name,
      });
    await nodes?.stop();
    await server.close();
  });

  const space = (of: string): KubernetesObject => ({
    ...namespace(`case-${of}`),
    metadata: { name: `case-${of}`, labels: { case: of } },
  });
  const refused = async (work: Promise<unknown>): Promise<KubernetesError> => {
    const error = await work.then(
      () => undefined,
      (reason) => reason,
    );
    if (!KubernetesError.isInstance(error)) throw error ?? new Error("it was not refused");
    return error;
  };
  /** resourceVersions of everything in a namespace that we apply. */
  const versions = async (of: readonly KubernetesObject[]) =>
    Promise.all(
      of.map(async (object) => {
        const { name, namespace: where } = object.metadata;
        const found = await api.get({
          ...object,
          name,
          ...(where === undefined ? {} : { namespace: where }),
        });
        return found?.metadata.resourceVersion;
      }),
    );

  test("applies once; the same again changes nothing", async () => {
    const objects = [
      service("hello", "case-again"),
      configMap("settings", { a: "1" }, "case-again"),
      { ...deployment("hello", 0, "case-again") },
      space("again"),
    ];
    const first = await api.apply(objects);
    expect(first.map(({ changed }) => changed)).toEqual([true, true, true, true]);
    await api.waitReady(first[2]!.reference);
    const before = await versions(objects);
    const second = await api.apply(objects);
    expect(second.map(({ changed }) => changed)).toEqual([false, false, false, false]);
    expect(await versions(objects)).toEqual(before);
  });

  test("applies definitions first, wherever they stand, and knows the new kind at once", async () => {
    const widget: KubernetesObject = {
      apiVersion: "example.com/v1",
      kind: "Widget",
      metadata: { name: "one", namespace: "case-widgets" },
      spec: { size: 3 },
    };
    const objects = [widget, space("widgets"), definition("Widget", "widgets")];
    expect((await api.apply(objects)).map(({ changed }) => changed)).toEqual([true, true, true]);
    expect((await api.apply(objects)).map(({ changed }) => changed)).toEqual([false, false, false]);
    const wrong = await refused(api.apply([{ ...widget, spec: { size: "three" } }]));
    expect(wrong.message).toContain("spec.size");
    const unknown = await refused(api.apply([{ ...widget, spec: { size: 3, weight: 1 } }]));
    expect(unknown.message).toContain(".spec.weight: field not declared in schema");
  });

  test("a field that another manager set differently is a conflict that names both; force takes it over", async () => {
    const hello = deployment("hello", 0, "case-conflict");
    await api.apply([space("conflict"), hello]);
    const other = await server.client({ fieldManager: "scaler" });
    const scaled = { ...hello, spec: { replicas: 2 } } as KubernetesObject;
    const error = await refused(other.apply([scaled]));
    expect(error).toMatchObject({ code: "CONFLICT", status: 409, reason: "Conflict" });
    expect(error.causes).toEqual([
      {
        reason: "FieldManagerConflict",
        message: 'conflict with "multicloud"',
        field: ".spec.replicas",
        manager: "multicloud",
      },
    ]);
    await other.apply([scaled], { force: true });
    const back = await refused(api.apply([hello]));
    expect(back.causes[0]?.manager).toBe("scaler");
    await api.apply([hello], { force: true });
    await other.apply([{ ...scaled, spec: {} } as KubernetesObject]);
  });

  test("what kubectl or a controller set is named with how it was set", async () => {
    const settings = configMap("settings", { a: "1" }, "case-hand");
    await api.apply([space("hand"), settings]);
    const answer = await server.request({
      method: "PATCH",
      path: "/api/v1/namespaces/case-hand/configmaps/settings?fieldManager=kubectl-edit",
      contentType: "application/merge-patch+json",
      body: { data: { a: "2" } },
    });
    expect(answer.status).toBe(200);
    const error = await refused(api.apply([settings]));
    expect(error.causes).toMatchObject([
      { reason: "FieldManagerConflict", field: ".data.a", manager: "kubectl-edit" },
    ]);
  });

  test("an unknown field, a missing namespace and an unknown kind are refused and not tried again", async () => {
    await api.apply([space("refused")]);
    const wrong = deployment("hello", 0, "case-refused");
    (wrong.spec as Record<string, unknown>).replica = 2;
    writes = [];
    const unknown = await refused(api.apply([wrong]));
    expect(unknown.message).toContain(".spec.replica: field not declared in schema");
    const missing = await refused(api.apply([configMap("settings", {}, "nowhere")]));
    expect(missing).toMatchObject({ code: "NOT_FOUND", status: 404 });
    const kind = await refused(
      api.apply([{ apiVersion: "example.org/v1", kind: "Gadget", metadata: { name: "one" } }]),
    );
    expect(kind.code).toBe("NOT_FOUND");
    expect(writes).toHaveLength(2);
  });

  test("waits for Deployments and DaemonSets to roll out, and says what it waited for", async () => {
    await api.apply([space("waits"), deployment("hello", 3, "case-waits"), daemonSet("agent", "case-waits")]);
    const seen: string[] = [];
    const hello = { apiVersion: "apps/v1", kind: "Deployment", name: "hello", namespace: "case-waits" };
    await api.waitReady(hello, { onProgress: (message) => seen.push(message) });
    await api.waitReady({ ...hello, kind: "DaemonSet", name: "agent" });
    const pods = await api.list({ apiVersion: "v1", kind: "Pod", namespace: "case-waits" });
    expect(pods).toHaveLength(6);
    const gone = await refused(api.waitReady({ ...hello, name: "none" }, { timeoutMs: 500 }));
    expect(gone).toMatchObject({ code: "TIMEOUT" });
  });

  test("waits for a Job", async () => {
    const job: KubernetesObject = {
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: { name: "once", namespace: "case-job" },
      spec: {
        template: {
          spec: { restartPolicy: "Never", containers: [{ name: "once", image: "example.org/once:1" }] },
        },
      },
    };
    const [, { reference }] = (await api.apply([space("job"), job])) as [
      unknown,
      { reference: Parameters<typeof api.waitReady>[0] },
    ];
    await api.waitReady(reference, { timeoutMs: 60_000 });
    expect((await api.apply([job]))[0]?.changed).toBe(false);
  });

  test("nodes are waited for and read", async () => {
    const found = await api.waitNodesReady(workers);
    expect(found.map(({ name: node, ready, schedulable }) => [node, ready, schedulable])).toEqual(
      workers.map((worker) => [worker, true, true]),
    );
  });

  test("drains a node: leaves DaemonSets' pods, honours the disruption budget, is no change the second time", async () => {
    const budget = (minAvailable: number): KubernetesObject => ({
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata: { name: "keep", namespace: "case-drain" },
      spec: { minAvailable, selector: { matchLabels: { app: "hello" } } },
    });
    const hello = { apiVersion: "apps/v1", kind: "Deployment", name: "hello", namespace: "case-drain" };
    await api.apply([
      space("drain"),
      budget(3),
      deployment("hello", 3, "case-drain"),
      daemonSet("agent", "case-drain"),
    ]);
    await api.waitReady(hello);
    await api.waitReady({ ...hello, kind: "DaemonSet", name: "agent" });
    const here = async () =>
      (await api.list({ apiVersion: "v1", kind: "Pod", namespace: "case-drain" }))
        .filter((pod) => (pod.spec as { nodeName?: string }).nodeName === "worker-1")
        .map((pod) => (pod.metadata.ownerReferences as { kind: string }[])[0]?.kind)
        .sort();
    // Wherever the scheduler put the pods, one of them is on the node that is drained.
    expect(await here()).toContain("ReplicaSet");

    const stuck = await refused(api.drain("worker-1", { timeoutMs: 10_000 }));
    expect(stuck).toMatchObject({ code: "TIMEOUT" });
    expect(stuck.message).toContain("The disruption budget keep needs 3 healthy pods and has 3 currently");
    expect(await here()).toContain("ReplicaSet");

    await api.apply([budget(2)]);
    await api.drain("worker-1", { timeoutMs: 60_000 });
    expect(await here()).toEqual(["DaemonSet"]);
    const [worker] = await api.nodes();
    expect(worker).toMatchObject({ name: "worker-1", schedulable: false });
    writes = [];
    await api.drain("worker-1");
    await api.drain("no-such-node");
    expect(writes).toEqual([]);
    await api.waitReady(hello);
  });

  test("deletes in the background, and again", async () => {
    await api.apply([space("delete"), deployment("hello", 1, "case-delete")]);
    const hello = { apiVersion: "apps/v1", kind: "Deployment", name: "hello", namespace: "case-delete" };
    await api.waitReady(hello);
    await api.delete(hello);
    await api.delete(hello);
    expect(await api.get(hello)).toBeUndefined();
    await expect
      .poll(
        async () => (await api.list({ apiVersion: "v1", kind: "Pod", namespace: "case-delete" })).length,
        { timeout: 60_000 },
      )
      .toBe(0);
  });

  test("lists come page by page", async () => {
    await api.apply([space("pages")]);
    const many = Array.from({ length: 620 }, (_, n) => n);
    for (let at = 0; at < many.length; at += 62)
      await Promise.all(
        many.slice(at, at + 62).map((n) =>
          server.request({
            method: "POST",
            path: "/api/v1/namespaces/case-pages/secrets",
            body: { apiVersion: "v1", kind: "Secret", metadata: { name: `s-${n}` } },
          }),
        ),
      );
    const all = await api.list({ apiVersion: "v1", kind: "Secret", namespace: "case-pages" });
    expect(new Set(all.map(({ metadata }) => metadata.name)).size).toBe(620);
  });
});

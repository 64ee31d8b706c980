import type { CallContext, KubernetesObject } from "@multicloud/core/plugin";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { addon } from "../src/index.js";
import { type AddonFixture, createPki, type Pki, setUp } from "./fixture.js";

let pki: Pki;
let fixture: AddonFixture;
beforeAll(async () => {
  pki = await createPki();
});
beforeEach(async () => {
  fixture = await setUp(pki, { rolloutMs: 1_000 });
});
afterEach(() => fixture.close());

const namespace: KubernetesObject = { apiVersion: "v1", kind: "Namespace", metadata: { name: "web" } };
const deployment: KubernetesObject = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web", namespace: "web" },
  spec: {
    selector: { matchLabels: { app: "web" } },
    template: {
      metadata: { labels: { app: "web" } },
      spec: { containers: [{ name: "web", image: "example.org/web:1" }] },
    },
  },
};
const yaml = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: web}\ndata: {a: '1'}\n";
const chart = {
  chart: "podinfo",
  repo: "https://charts.example.org",
  version: "6.0.0",
  namespace: "podinfo",
};

test("objects, manifests and a function, in this order; again, nothing changes", async () => {
  const order: string[] = [];
  const mine = addon({
    name: "mine",
    objects: [deployment, namespace],
    manifests: [yaml],
    apply: async ({ kubernetes }) => {
      order.push(
        (await kubernetes.get({ apiVersion: "v1", kind: "ConfigMap", name: "settings", namespace: "web" }))!
          .kind,
      );
    },
  });
  await mine.apply(fixture.context);
  expect(order).toEqual(["ConfigMap"]);
  expect(fixture.cluster.object("apps/v1", "Deployment", "web", "web")?.status?.availableReplicas).toBe(1);
  const before = fixture.world.effects.all.length;
  await mine.apply(fixture.context);
  expect(fixture.world.effects.all.slice(before)).toEqual([]);
});

test("a misspelt field is refused", async () => {
  const wrong = { ...deployment, spec: { ...(deployment.spec as object), replica: 2 } };
  const mine = addon({ name: "mine", objects: [namespace, wrong] });
  await expect(mine.apply(fixture.context)).rejects.toThrow(".spec.replica: field not declared in schema");
});

test("a chart needs the Helm controller: without one nothing is written, and the error says what to do", async () => {
  const error = await addon({ name: "podinfo", chart })
    .apply(fixture.context)
    .catch((reason) => reason);
  expect(error).toMatchObject({ code: "ADDON_FAILED" });
  expect(error.message).toContain("this cluster has no Helm controller");
  expect(error.hint).toContain("helm template");
  expect(fixture.world.effects.all).toEqual([]);
});

test("a chart is given to the Helm controller and waited for, at first and at each change", async () => {
  const { cluster, world, context } = fixture;
  cluster.ensureHelmController();
  const install = (values: Record<string, unknown>) =>
    addon({ name: "podinfo", chart: { ...chart, values } }).apply(context);
  const job = () => cluster.object("batch/v1", "Job", "helm-install-podinfo", "kube-system");
  await install({ replicas: 2 });
  expect(cluster.object("helm.cattle.io/v1", "HelmChart", "podinfo", "kube-system")?.spec).toEqual({
    chart: "podinfo",
    repo: "https://charts.example.org",
    version: "6.0.0",
    targetNamespace: "podinfo",
    createNamespace: true,
    failurePolicy: "abort",
    valuesContent: "replicas: 2\n",
  });
  const first = job();
  expect(JSON.stringify(first?.status)).toContain("Complete");
  const before = world.effects.all.length;
  await install({ replicas: 2 });
  expect(world.effects.all.slice(before)).toEqual([]);
  expect(job()?.metadata.uid).toBe(first?.metadata.uid);
  await install({ replicas: 3 });
  expect(job()?.metadata.uid).not.toBe(first?.metadata.uid);
  expect(JSON.stringify(job()?.status)).toContain("Complete");
});

test("all problems at once", async () => {
  const paths = async (options: Parameters<typeof addon>[0]) =>
    (await addon(options).check!({} as CallContext, [], {})).problems.map(({ path }) => path);
  expect(await paths({ name: "mine", objects: [namespace] })).toEqual([]);
  expect(await paths({ name: "mine" })).toEqual([""]);
  expect(
    await paths({
      name: "No",
      object: [],
      manifests: ["web.yaml", { url: "x" }],
      chart: { chart: "podinfo", namespace: "", failurePolicy: "retry" },
    } as never),
  ).toEqual([
    "object",
    "name",
    "manifests[0]",
    "manifests[1].url",
    "chart.namespace",
    "chart.repo",
    "chart.failurePolicy",
  ]);
  const { warnings } = await addon({ name: "mine", chart: { ...chart, version: undefined } as never }).check!(
    {} as CallContext,
    [],
    {},
  );
  expect(warnings).toMatchObject([{ path: "chart.version" }]);
});

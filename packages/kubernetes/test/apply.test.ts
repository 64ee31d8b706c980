import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { KubernetesError, type KubernetesObject } from "../src/index.js";
import { createPki, type Fixture, type Pki, setUp } from "./fixture.js";
import { configMap, definition, deployment, namespace, service } from "./objects.js";

let pki: Pki;
let fixture: Fixture;
beforeAll(async () => {
  pki = await createPki();
});
beforeEach(async () => {
  fixture = await setUp(pki);
});
afterEach(() => fixture.close());

const refused = async (work: Promise<unknown>): Promise<KubernetesError> => {
  const error = await work.then(
    () => undefined,
    (reason) => reason,
  );
  if (!KubernetesError.isInstance(error)) throw error ?? new Error("it was not refused");
  return error;
};

test("applies once; the same again changes nothing", async () => {
  const objects = [
    namespace("web"),
    service("hello"),
    deployment("hello", 2),
    configMap("settings", { a: "1" }),
  ];
  const first = await fixture.api.apply(objects);
  expect(first.map(({ changed }) => changed)).toEqual([true, true, true, true]);
  expect(first.map(({ reference }) => reference.kind)).toEqual([
    "Namespace",
    "Service",
    "Deployment",
    "ConfigMap",
  ]);
  await fixture.api.waitReady(first[2]!.reference);
  const effects = fixture.world.effects.all.length;
  expect(effects).toBe(4);

  const second = await fixture.api.apply(objects);
  expect(second.map(({ changed }) => changed)).toEqual([false, false, false, false]);
  expect(fixture.world.effects.all.length).toBe(effects);
});

test("changes only what differs, and takes out what is no longer applied", async () => {
  await fixture.api.apply([
    namespace("web"),
    configMap("settings", { a: "1", b: "2" }),
    deployment("hello", 1),
  ]);
  const results = await fixture.api.apply([configMap("settings", { a: "1" }), deployment("hello", 1)]);
  expect(results.map(({ changed }) => changed)).toEqual([true, false]);
  expect(fixture.cluster.object("v1", "ConfigMap", "settings", "web")?.data).toEqual({ a: "1" });
});

test("applies namespaces and definitions first, wherever they stand, and knows the new kind at once", async () => {
  fixture.world.effects.all;
  const widget: KubernetesObject = {
    apiVersion: "example.com/v1",
    kind: "Widget",
    metadata: { name: "one", namespace: "web" },
    spec: { size: 3 },
  };
  const results = await fixture.api.apply([widget, namespace("web"), definition("Widget", "widgets")]);
  expect(results.map(({ reference }) => reference.kind)).toEqual([
    "Widget",
    "Namespace",
    "CustomResourceDefinition",
  ]);
  expect(fixture.world.effects.all.map(({ name }) => name).at(-1)).toBe("Widget web/one");
  expect(await fixture.api.get(results[0]!.reference)).toMatchObject({ spec: { size: 3 } });
});

test("a kind that nobody defined is named", async () => {
  const error = await refused(
    fixture.api.apply([{ apiVersion: "example.com/v1", kind: "Widget", metadata: { name: "one" } }]),
  );
  expect(error.code).toBe("NOT_FOUND");
  expect(error.message).toContain("no kind Widget in example.com/v1");
});

test("a field that another manager set differently is a conflict that names both; force takes it over", async () => {
  await fixture.api.apply([namespace("web"), deployment("hello", 1)]);
  const other = await fixture.connect(await adminConfig(), { fieldManager: "scaler" });
  const scaled = { ...deployment("hello", 5), spec: { replicas: 5 } } as KubernetesObject;
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
  expect(error.hint).toContain(".spec.replicas (multicloud)");

  await other.apply([scaled], { force: true });
  expect(fixture.cluster.object("apps/v1", "Deployment", "hello", "web")?.spec?.replicas).toBe(5);
  const back = await refused(fixture.api.apply([deployment("hello", 1)]));
  expect(back.causes[0]?.manager).toBe("scaler");
});

test("a field nobody knows is refused, and not tried again", async () => {
  const wrong = deployment("hello", 1);
  (wrong.spec as Record<string, unknown>).replica = 2;
  await fixture.api.apply([namespace("web")]);
  const before = fixture.writes();
  const error = await refused(fixture.api.apply([wrong]));
  expect(error.message).toContain(".spec.replica: field not declared in schema");
  expect(fixture.writes()).toBe(before + 1);
});

test("an object in a namespace that does not exist is refused with a hint", async () => {
  const error = await refused(fixture.api.apply([configMap("settings", {}, "nowhere")]));
  expect(error).toMatchObject({ code: "NOT_FOUND", status: 404 });
  expect(error.message).toContain('namespaces "nowhere" not found');
  expect(error.hint).toContain("nowhere");
});

test.each([
  { status: 500, body: { kind: "Status", reason: "InternalError", message: "etcdserver: leader changed" } },
  { status: 503 },
  { status: 429, headers: { "retry-after": "0" } },
  { reset: "before" as const },
  { reset: "after" as const },
])("an apply survives %o", async (fault) => {
  await fixture.api.apply([namespace("web")]);
  fixture.world.faults.add({ service: "kubernetes", method: "PATCH", times: 2, ...fault });
  const [result] = await fixture.api.apply([configMap("settings", { a: "1" })]);
  expect(result?.changed).toBe(true);
  expect(fixture.world.effects.all.filter(({ name }) => name === "ConfigMap web/settings")).toHaveLength(1);
});

test("gives up after a bounded number of tries", async () => {
  fixture.world.faults.add({ service: "kubernetes", times: 1000, status: 503 });
  const error = await refused(fixture.api.nodes());
  expect(error).toMatchObject({ code: "KUBERNETES_FAILED", status: 503 });
  expect(fixture.cluster.calls.filter(({ status }) => status === 503)).toHaveLength(5);
});

async function adminConfig(): Promise<string> {
  const { kubeconfigOf } = await import("./fixture.js");
  return kubeconfigOf(pki, pki.admin);
}

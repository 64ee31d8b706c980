import { afterEach, beforeEach, expect, test } from "vitest";
import { type Raw, setUp } from "./client.js";

let raw: Raw;
beforeEach(async () => {
  raw = await setUp();
});
afterEach(() => raw.close());

const maps = "/api/v1/namespaces/default/configmaps";
const deployments = "/apis/apps/v1/namespaces/default/deployments";
const configMap = (name: string, data: object = {}) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name },
  data,
});
const deployment = (name: string, spec: object = {}) => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name },
  spec: {
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: "main", image: "example.org/app:1" }] },
    },
    ...spec,
  },
});
const apply = (path: string, body: object, query = "fieldManager=tester") =>
  raw.call("PATCH", `${path}?${query}`, body, { "content-type": "application/apply-patch+yaml" });

test("creates, refuses a second of that name, reads, deletes", async () => {
  const created = await raw.call("POST", maps, configMap("a", { x: "1" }));
  expect(created).toMatchObject({ status: 201, body: { metadata: { namespace: "default" } } });
  expect(await raw.call("POST", maps, configMap("a"))).toMatchObject({
    status: 409,
    body: {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message: 'configmaps "a" already exists',
      reason: "AlreadyExists",
      details: { name: "a", kind: "configmaps" },
      code: 409,
    },
  });
  expect((await raw.call("GET", `${maps}/a`)).body.data).toEqual({ x: "1" });
  expect(await raw.call("DELETE", `${maps}/a`)).toMatchObject({ status: 200, body: { status: "Success" } });
  expect(await raw.call("GET", `${maps}/a`)).toMatchObject({ status: 404, body: { reason: "NotFound" } });
  expect(raw.world.effects.all.map(({ action, kind, name }) => [action, kind, name])).toEqual([
    ["create", "object", "ConfigMap default/a"],
    ["delete", "object", "ConfigMap default/a"],
  ]);
});

test("an update with an old resourceVersion is a conflict; one that changes nothing is no effect", async () => {
  const { body: first } = await raw.call("POST", maps, configMap("a", { x: "1" }));
  const second = await raw.call("PUT", `${maps}/a`, { ...first, data: { x: "2" } });
  expect(second.status).toBe(200);
  expect(await raw.call("PUT", `${maps}/a`, { ...first, data: { x: "3" } })).toMatchObject({
    status: 409,
    body: {
      reason: "Conflict",
      message:
        'Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again',
    },
  });
  const again = await raw.call("PUT", `${maps}/a`, second.body);
  expect(again.body.metadata.resourceVersion).toBe(second.body.metadata.resourceVersion);
  expect(raw.world.effects.all).toHaveLength(2);
});

test("of two who take a lease at once, one gets it", async () => {
  const path = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases";
  const lease = (holder: string, resourceVersion?: string) => ({
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: { name: "lock", namespace: "kube-system", ...(resourceVersion ? { resourceVersion } : {}) },
    spec: { holderIdentity: holder, leaseDurationSeconds: 15 },
  });
  const { body } = await raw.call("POST", path, lease("a"));
  const version = body.metadata.resourceVersion;
  const taken = await Promise.all(
    ["b", "c"].map((holder) => raw.call("PUT", `${path}/lock`, lease(holder, version))),
  );
  expect(taken.map(({ status }) => status).sort()).toEqual([200, 409]);
});

test("server-side apply: owners, no-op, conflict, force, giving up", async () => {
  const path = `${deployments}/web`;
  const first = await apply(path, deployment("web", { replicas: 2 }));
  expect(first.status).toBe(201);
  expect(first.body.metadata.managedFields).toEqual([
    expect.objectContaining({
      manager: "tester",
      operation: "Apply",
      apiVersion: "apps/v1",
      fieldsType: "FieldsV1",
      fieldsV1: {
        "f:spec": {
          "f:replicas": {},
          "f:selector": {},
          "f:template": {
            "f:metadata": { "f:labels": { "f:app": {} } },
            "f:spec": { "f:containers": { 'k:{"name":"main"}': { ".": {}, "f:name": {}, "f:image": {} } } },
          },
        },
      },
    }),
  ]);
  const count = () => raw.world.effects.all.length;
  const before = count();
  expect((await apply(path, deployment("web", { replicas: 2 }))).status).toBe(200);
  expect(count()).toBe(before);

  const wrong = await apply(path, deployment("web", { replicas: 3 }), "fieldManager=other");
  expect(wrong).toMatchObject({
    status: 409,
    body: {
      reason: "Conflict",
      message: 'Apply failed with 1 conflict: conflict with "tester": .spec.replicas',
      details: {
        causes: [
          { reason: "FieldManagerConflict", message: 'conflict with "tester"', field: ".spec.replicas" },
        ],
      },
    },
  });
  const forced = await apply(path, deployment("web", { replicas: 3 }), "fieldManager=other&force=true");
  expect(forced.body.spec.replicas).toBe(3);
  // The first manager leaves the field out: it stays, the other owns it.
  expect((await apply(path, deployment("web"))).body.spec.replicas).toBe(3);
  // The other leaves it out, too: the default is back.
  expect((await apply(path, deployment("web"), "fieldManager=other")).body.spec.replicas).toBe(1);
});

test("server-side apply merges lists by their key", async () => {
  const container = (name: string, more: object = {}) => ({ name, image: "example.org/app:1", ...more });
  const filled = (name: string, more: object = {}) => ({
    ...container(name, more),
    imagePullPolicy: "IfNotPresent",
    resources: {},
    terminationMessagePath: "/dev/termination-log",
    terminationMessagePolicy: "File",
  });
  const withContainers = (...containers: object[]) => {
    const object = deployment("web");
    object.spec.template.spec.containers = containers as never;
    return object;
  };
  const path = `${deployments}/web`;
  await apply(path, withContainers(container("main", { env: [{ name: "A", value: "1" }] })));
  const partial = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web" },
    spec: {
      template: {
        spec: { containers: [{ name: "main", env: [{ name: "B", value: "2" }] }, container("side")] },
      },
    },
  };
  const merged = await apply(path, partial, "fieldManager=other");
  expect(merged.body.spec.template.spec.containers).toEqual([
    filled("main", {
      env: [
        { name: "A", value: "1" },
        { name: "B", value: "2" },
      ],
    }),
    filled("side"),
  ]);
  const without = { ...partial, spec: { template: { spec: { containers: [{ name: "main" }] } } } };
  const left = await apply(path, without, "fieldManager=other");
  expect(left.body.spec.template.spec.containers).toEqual([
    filled("main", { env: [{ name: "A", value: "1" }] }),
  ]);
});

test("an update takes fields over from an applier", async () => {
  await apply(`${maps}/a`, configMap("a", { x: "1", y: "1" }));
  await raw.call(
    "PATCH",
    `${maps}/a?fieldManager=editor`,
    { data: { x: "2" } },
    { "content-type": "application/merge-patch+json" },
  );
  const conflict = await apply(`${maps}/a`, configMap("a", { x: "1", y: "2" }));
  expect(conflict.body.message).toMatch(
    /^Apply failed with 1 conflict: conflict with "editor" using v1: \.data\.x$/,
  );
});

test("patches: merge, JSON, strategic; others are refused", async () => {
  await raw.call("POST", maps, configMap("a", { x: "1", y: "1" }));
  const patch = (type: string, body: unknown) =>
    raw.call("PATCH", `${maps}/a`, body, { "content-type": type });
  expect((await patch("application/merge-patch+json", { data: { x: null, z: "1" } })).body.data).toEqual({
    y: "1",
    z: "1",
  });
  const operations = [
    { op: "test", path: "/data/y", value: "1" },
    { op: "replace", path: "/data/y", value: "2" },
    { op: "add", path: "/metadata/labels", value: { "example.com/a": "b" } },
    { op: "remove", path: "/data/z" },
  ];
  expect((await patch("application/json-patch+json", operations)).body).toMatchObject({
    data: { y: "2" },
    metadata: { labels: { "example.com/a": "b" } },
  });
  expect(
    (await patch("application/json-patch+json", [{ op: "test", path: "/data/y", value: "9" }])).status,
  ).toBe(422);
  expect((await patch("application/strategic-merge-patch+json", { data: { q: "1" } })).body.data).toEqual({
    y: "2",
    q: "1",
  });
  expect((await patch("text/plain", "x")).status).toBe(415);
  expect((await apply(`${maps}/a`, configMap("a"), "")).body.message).toContain(
    "fieldManager: Required value",
  );
});

test("refuses what the real one refuses, in its words", async () => {
  const strict = "fieldValidation=Strict";
  const cases: [Promise<{ status: number; body: { message: string } }>, number, string][] = [
    [
      raw.call("POST", "/api/v1/namespaces/none/configmaps", configMap("a")),
      404,
      'namespaces "none" not found',
    ],
    [
      raw.call("POST", maps, configMap("A_b")),
      422,
      'ConfigMap "A_b" is invalid: metadata.name: Invalid value: "A_b"',
    ],
    [
      raw.call("POST", maps, { ...configMap("a"), kind: "Secret" }),
      400,
      'Secret in version "v1" cannot be handled as a ConfigMap: converting (v1.Secret) to (core.ConfigMap): unknown conversion',
    ],
    [
      raw.call("PUT", `${maps}/b`, configMap("a")),
      400,
      "the name of the object (a) does not match the name on the URL (b)",
    ],
    [
      raw.call("POST", `${maps}?${strict}`, { ...configMap("a"), dta: {} }),
      400,
      'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "dta"',
    ],
    [
      apply(`${deployments}/web`, deployment("web", { replica: 1 })),
      500,
      "failed to create typed patch object (/web; apps/v1, Kind=Deployment): .spec.replica: field not declared in schema",
    ],
    [
      raw.call("POST", deployments, deployment("web", { selector: { matchLabels: { app: "other" } } })),
      422,
      "`selector` does not match template `labels`",
    ],
    [
      raw.call("POST", deployments, deployment("web", { replicas: "two" })),
      400,
      "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32",
    ],
    [raw.call("GET", "/apis/apps/v2/deployments"), 404, "the server could not find the requested resource"],
    [raw.call("DELETE", "/api/v1/namespaces/default"), 403, "this namespace may not be deleted"],
    [raw.call("GET", `${maps}?fieldSelector=data.x=1`), 400, "field label not supported: data.x"],
    [raw.call("POST", maps, "{"), 400, "couldn't get version/kind; json parse error"],
  ];
  for (const [call, status, message] of cases) {
    const answer = await call;
    expect(answer.body.message).toContain(message);
    expect(answer.status).toBe(status);
  }
  expect(await raw.call("GET", "/apis/example.com/v1/widgets")).toMatchObject({ status: 404 });
  expect(raw.world.effects.all).toHaveLength(0);
});

test("an unknown field without Strict is a warning, and without Warn nothing", async () => {
  const warned = await raw.call("POST", maps, { ...configMap("a"), dta: {} });
  expect(warned).toMatchObject({ status: 201, headers: { warning: '299 - "unknown field \\"dta\\""' } });
  const silent = await raw.call("POST", `${maps}?fieldValidation=Ignore`, { ...configMap("b"), dta: {} });
  expect(silent.headers.warning).toBeUndefined();
});

test("a dry run changes nothing", async () => {
  expect((await raw.call("POST", `${maps}?dryRun=All`, configMap("a"))).status).toBe(201);
  expect((await raw.call("GET", `${maps}/a`)).status).toBe(404);
  expect(raw.world.effects.all).toHaveLength(0);
});

test("status is written through its subresource only", async () => {
  await raw.call("POST", deployments, { ...deployment("web"), status: { replicas: 9 } });
  const read = async () => (await raw.call("GET", `${deployments}/web`)).body;
  expect((await read()).status?.replicas).not.toBe(9);
  const live = await read();
  const metadata = { ...live.metadata, resourceVersion: undefined };
  const body = { ...live, metadata, spec: { nonsense: true }, status: { observedGeneration: 7 } };
  expect((await raw.call("PUT", `${deployments}/web/status`, body)).status).toBe(200);
  expect((await read()).spec.nonsense).toBeUndefined();
  expect((await read()).metadata.generation).toBe(1);
});

test("a finalizer holds an object until it is taken off; what it owned goes with it", async () => {
  const { body: owner } = await raw.call("POST", maps, {
    ...configMap("owner"),
    metadata: { name: "owner", finalizers: ["example.com/wait"] },
  });
  const ownerReferences = [{ apiVersion: "v1", kind: "ConfigMap", name: "owner", uid: owner.metadata.uid }];
  await raw.call("POST", maps, { ...configMap("owned"), metadata: { name: "owned", ownerReferences } });
  await raw.call("DELETE", `${maps}/owner`);
  expect((await raw.call("GET", `${maps}/owner`)).body.metadata.deletionTimestamp).toBeDefined();
  await raw.call(
    "PATCH",
    `${maps}/owner`,
    { metadata: { finalizers: null } },
    { "content-type": "application/merge-patch+json" },
  );
  expect((await raw.call("GET", `${maps}/owner`)).status).toBe(404);
  expect((await raw.call("GET", `${maps}/owned`)).status).toBe(404);
});

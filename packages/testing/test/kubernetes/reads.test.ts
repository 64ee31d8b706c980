import { afterEach, beforeEach, expect, test } from "vitest";
import { type Answer, type Raw, setUp } from "./client.js";

let raw: Raw;
beforeEach(async () => {
  raw = await setUp({ tokens: { reader: { name: "system:serviceaccount:default:reader", groups: [] } } });
});
afterEach(() => raw.close());

const maps = "/api/v1/namespaces/default/configmaps";
const put = (name: string, labels: Record<string, string> = {}) =>
  raw.call("POST", maps, { apiVersion: "v1", kind: "ConfigMap", metadata: { name, labels } });
const names = (answer: Answer) => answer.body.items.map(({ metadata }) => metadata.name);

test("discovery: version, groups, resources, and all at once", async () => {
  expect((await raw.call("GET", "/version")).body).toMatchObject({
    major: "1",
    minor: "32",
    gitVersion: "v1.32.13",
  });
  const groups = (await raw.call("GET", "/apis")).body.groups.map(({ name }) => name);
  for (const group of [
    "apps",
    "batch",
    "networking.k8s.io",
    "coordination.k8s.io",
    "policy",
    "apiextensions.k8s.io",
  ])
    expect(groups).toContain(group);
  const core = (await raw.call("GET", "/api/v1")).body.resources;
  expect(core).toContainEqual(
    expect.objectContaining({ name: "pods/eviction", group: "policy", kind: "Eviction" }),
  );
  expect(core).toContainEqual(
    expect.objectContaining({ name: "nodes", namespaced: false, shortNames: ["no"] }),
  );
  const all = await raw.call("GET", "/apis", undefined, {
    accept: "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
  });
  expect(all.body).toMatchObject({ kind: "APIGroupDiscoveryList", items: expect.any(Array) });
});

test("selectors", async () => {
  await put("a", { app: "web", tier: "front" });
  await put("b", { app: "web" });
  await put("c", { app: "db" });
  const find = async (selector: string) =>
    names(await raw.call("GET", `${maps}?labelSelector=${encodeURIComponent(selector)}`));
  expect(await find("app=web")).toEqual(["a", "b"]);
  expect(await find("app in (web,db),!tier")).toEqual(["b", "c"]);
  expect(await find("app notin (db),tier")).toEqual(["a"]);
  expect(await find("app!=web")).toEqual(["c"]);
  expect(names(await raw.call("GET", `${maps}?fieldSelector=metadata.name%3Db`))).toEqual(["b"]);
});

test("pages", async () => {
  for (const name of ["a", "b", "c", "d", "e"]) await put(name);
  const first = await raw.call("GET", `${maps}?limit=2`);
  expect(first.body.metadata).toMatchObject({ remainingItemCount: 3 });
  const second = await raw.call("GET", `${maps}?limit=2&continue=${first.body.metadata.continue}`);
  const third = await raw.call("GET", `${maps}?limit=2&continue=${second.body.metadata.continue}`);
  expect([first, second, third].flatMap(names)).toEqual(["a", "b", "c", "d", "e"]);
  expect(third.body.metadata.continue).toBeUndefined();
});

test("a watch tells what happened after its revision, to the objects it selects", async () => {
  await put("a", { app: "web" });
  const { body } = await raw.call("GET", maps);
  await put("b", { app: "db" });
  const watch = raw.watch(
    `${maps}?watch=1&labelSelector=app%3Dweb&resourceVersion=${body.metadata.resourceVersion}`,
  );
  await put("c", { app: "web" });
  const relabel = (name: string, app: string) =>
    raw.call(
      "PATCH",
      `${maps}/${name}`,
      { metadata: { labels: { app } } },
      { "content-type": "application/merge-patch+json" },
    );
  await relabel("b", "web");
  await relabel("c", "db");
  await raw.call(
    "PATCH",
    `${maps}/a`,
    { data: { x: "1" } },
    { "content-type": "application/merge-patch+json" },
  );
  await raw.call("DELETE", `${maps}/a`);
  const seen: string[] = [];
  for (let n = 0; n < 5; n++) {
    const { type, object } = await watch.next();
    seen.push(`${type} ${(object.metadata as { name: string }).name}`);
  }
  expect(seen).toEqual(["ADDED c", "ADDED b", "DELETED c", "MODIFIED a", "DELETED a"]);
  watch.close();
});

test("RBAC: nothing without a binding, then only what the role allows", async () => {
  const as = (method: string, path: string) =>
    raw.call(method, path, undefined, { authorization: "Bearer reader" });
  expect(await as("GET", "/api/v1/nodes")).toMatchObject({
    status: 403,
    body: {
      reason: "Forbidden",
      message:
        'nodes is forbidden: User "system:serviceaccount:default:reader" cannot list resource "nodes" in API group "" at the cluster scope',
    },
  });
  raw.cluster.seed({
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRole",
    metadata: { name: "reader" },
    rules: [{ apiGroups: [""], resources: ["nodes"], verbs: ["get", "list"] }],
  });
  raw.cluster.seed({
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRoleBinding",
    metadata: { name: "reader" },
    roleRef: { kind: "ClusterRole", name: "reader" },
    subjects: [{ kind: "ServiceAccount", name: "reader", namespace: "default" }],
  });
  expect((await as("GET", "/api/v1/nodes")).status).toBe(200);
  expect((await as("DELETE", "/api/v1/nodes/x")).status).toBe(403);
  expect((await as("GET", "/api/v1/nodes?watch=1")).status).toBe(403);
  expect((await raw.call("GET", "/api", undefined, { authorization: "Bearer wrong" })).status).toBe(401);
});

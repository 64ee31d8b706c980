import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { connect, KubernetesError } from "../src/index.js";
import { createPki, type Fixture, kubeconfigOf, type Pki, setUp } from "./fixture.js";
import { namespace } from "./objects.js";

let pki: Pki;
let fixture: Fixture;
beforeAll(async () => {
  pki = await createPki();
});
beforeEach(async () => {
  fixture = await setUp(pki, { tokens: { "let-me-in": { name: "robot", groups: ["system:masters"] } } });
});
afterEach(() => fixture.close());

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => "done",
    (error) => (KubernetesError.isInstance(error) ? error.code : error),
  );

test("one connection serves many calls, through the dialer", async () => {
  for (let n = 0; n < 5; n++) await fixture.api.nodes();
  expect(fixture.dials).toEqual([{ host: "10.1.0.1", port: 6443 }]);
});

test("a bearer token works like a client certificate", async () => {
  const api = await fixture.connect(kubeconfigOf(pki, { token: "let-me-in" }));
  expect(await api.nodes()).toHaveLength(3);
  expect(fixture.cluster.calls.at(-1)?.user).toBe("robot");
});

test("wrong credentials, a certificate of another CA and missing rights are told apart", async () => {
  const codeFor = async (user: Parameters<typeof kubeconfigOf>[1]) =>
    codeOf((await fixture.connect(kubeconfigOf(pki, user))).nodes());
  expect(await codeFor({ token: "guessed" })).toBe("AUTH_FAILED");
  expect(await codeFor(pki.stranger)).toBe("AUTH_FAILED");
  expect(await codeFor(pki.guest)).toBe("FORBIDDEN");
});

test("an API server that cannot show the right certificate gets nothing", async () => {
  const other = await createPki();
  const wrongCa = await fixture.connect(kubeconfigOf({ ...pki, ca: other.ca }, pki.admin));
  expect(await codeOf(wrongCa.nodes())).toBe("AUTH_FAILED");
  const wrongName = await fixture.connect(kubeconfigOf(pki, pki.admin, "https://10.9.9.9:6443"));
  expect(await codeOf(wrongName.nodes())).toBe("AUTH_FAILED");
  expect(fixture.cluster.calls).toHaveLength(0);
});

test("an address behind another name works with tls-server-name", async () => {
  const config = kubeconfigOf(pki, pki.admin, "https://203.0.113.7:16443").replace(
    "cluster:\n",
    "cluster:\n      tls-server-name: kubernetes\n",
  );
  const api = await fixture.connect(config);
  expect(await api.nodes()).toHaveLength(3);
  expect(fixture.dials.at(-1)).toEqual({ host: "203.0.113.7", port: 16443 });
});

test("a refused connection says where to and what to look at", async () => {
  const api = await connect(kubeconfigOf(pki, pki.admin), {
    attempts: 2,
    backoffMs: 1,
    dialer: () =>
      Promise.reject(
        Object.assign(new Error("connect ECONNREFUSED 10.1.0.1:6443"), { code: "ECONNREFUSED" }),
      ),
  });
  const error = await api.nodes().catch((reason) => reason);
  expect(error).toMatchObject({ code: "SERVICE_UNREACHABLE" });
  expect(error.message).toContain("https://10.1.0.1:6443");
  expect(error.message).toContain("ECONNREFUSED");
});

test("a call ends at once when its signal aborts, with the signal's reason", async () => {
  fixture.world.faults.add({ service: "kubernetes", hang: true });
  const abort = new AbortController();
  const reason = new Error("no longer wanted");
  const call = fixture.api.apply([namespace("web")], { signal: abort.signal });
  setImmediate(() => abort.abort(reason));
  await expect(call).rejects.toBe(reason);
});

test("a call that hangs ends after its timeout and is tried again", async () => {
  const api = await fixture.connect(kubeconfigOf(pki, pki.admin), { timeoutMs: 1_000 });
  fixture.world.faults.add({ service: "kubernetes", hang: true });
  expect(await api.nodes()).toHaveLength(3);
  fixture.world.faults.add({ service: "kubernetes", hang: true, times: 9 });
  expect(
    await codeOf(
      (await fixture.connect(kubeconfigOf(pki, pki.admin), { timeoutMs: 50, attempts: 2 })).nodes(),
    ),
  ).toBe("SERVICE_UNREACHABLE");
});

test("closing ends what is under way", async () => {
  const api = await fixture.connect(kubeconfigOf(pki, pki.admin));
  fixture.world.faults.add({ service: "kubernetes", hang: true, times: 9 });
  const call = codeOf(api.nodes());
  setImmediate(() => void api.close());
  expect(await call).toBe("SERVICE_UNREACHABLE");
});

test("a kept-alive connection that broke meanwhile is replaced without a word", async () => {
  await fixture.api.nodes();
  fixture.world.faults.add({ service: "kubernetes", reset: "before" });
  expect(await fixture.api.nodes()).toHaveLength(3);
  expect(fixture.dials).toHaveLength(2);
});

test("lists come page by page", async () => {
  for (let n = 0; n < 1_203; n++)
    fixture.cluster.seed({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: `c-${n}`, namespace: "default" },
    });
  const all = await fixture.api.list({ apiVersion: "v1", kind: "ConfigMap" });
  expect(new Set(all.map(({ metadata }) => metadata.name)).size).toBe(1_203);
  expect(all[0]).toMatchObject({ apiVersion: "v1", kind: "ConfigMap" });
  expect(fixture.cluster.calls.filter(({ path }) => path === "/api/v1/configmaps")).toHaveLength(3);
});

test("what does not exist is undefined to get and fine to delete", async () => {
  const reference = { apiVersion: "example.com/v1", kind: "Widget", name: "one", namespace: "web" };
  expect(await fixture.api.get(reference)).toBeUndefined();
  await fixture.api.delete(reference);
  await fixture.api.delete({ apiVersion: "v1", kind: "ConfigMap", name: "none", namespace: "default" });
  expect(fixture.world.effects.all).toHaveLength(0);
});

test("errors are recognised by @multicloud/core as its own", async () => {
  const { MulticloudError } = await import("../../core/src/errors/multicloud-error.js");
  const error = await (await fixture.connect(kubeconfigOf(pki, pki.guest))).nodes().catch((reason) => reason);
  expect(MulticloudError.isInstance(error)).toBe(true);
  expect(JSON.stringify(error)).toContain('"code":"FORBIDDEN"');
});

import type { Addon, CallContext, ClusterFacts } from "@multicloud/core/plugin";
import { expect, test } from "vitest";
import { certManager, helloWorld, longhorn, rookCeph } from "../src/index.js";
import { nodes } from "./fixture.js";

const found = async (addon: Addon, cluster: ClusterFacts = {}) =>
  addon.check!({} as CallContext, nodes("home", "cloud"), cluster);
const paths = async (addon: Addon) => (await found(addon)).problems.map(({ path }) => path);

test("good options have no problems", async () => {
  for (const addon of [
    longhorn(),
    longhorn({ ui: { host: "longhorn.example.com", user: "admin", password: "long enough" } }),
    certManager({ email: "ops@example.com" }),
    certManager({ email: "ops@example.com", server: "https://acme.example.com/directory" }),
    helloWorld({ host: "hello.apps.example.com" }),
  ])
    expect(await found(addon)).toEqual({ problems: [], warnings: [] });
});

test("all problems at once, each with its path", async () => {
  const wrong = {
    email: "nobody",
    server: "prodction",
    isuer: "x",
    cloudflare: { token: "" },
    manifest: { url: "x" },
  };
  expect(await paths(certManager(wrong as never))).toEqual([
    "isuer",
    "manifest.url",
    "email",
    "server",
    "cloudflare.token",
  ]);
  const [unknown] = (await found(certManager(wrong as never))).problems;
  expect(unknown).toMatchObject({ suggestion: "issuer" });
  expect(await paths(helloWorld({ host: "https://hello/", issuer: "No", replicas: 0 }))).toEqual([
    "host",
    "issuer",
    "replicas",
  ]);
  expect(
    await paths(longhorn({ manifest: "longhorn.yaml", replicas: 0, dataLocality: "near" as never })),
  ).toEqual(["manifest", "replicas", "dataLocality"]);
});

test("a bad password is not shown", async () => {
  const addon = longhorn({ ui: { host: "longhorn.example.com", user: "a:b", password: "hunter2" } });
  expect(await paths(addon)).toEqual(["ui.user", "ui.password"]);
  expect(JSON.stringify(await found(addon))).not.toContain("hunter2");
});

test("warns of more replicas than workers, refuses a cluster without any", async () => {
  expect((await found(longhorn({ replicas: 3 }))).warnings).toMatchObject([{ path: "replicas" }]);
  expect((await longhorn().check!({} as CallContext, [], {})).problems).toHaveLength(1);
});

test("warns of a Kubernetes that the built-in release is not made for", async () => {
  const warned = async (addon: Addon, kubernetes?: string) =>
    (await found(addon, kubernetes === undefined ? {} : { kubernetes })).warnings.filter(({ message }) =>
      message.includes("is made for Kubernetes"),
    );
  const email = "ops@example.com";
  expect(await warned(certManager({ email }), "1.30.5")).toMatchObject([
    { path: "manifest", message: expect.stringContaining("1.33 to 1.36; the engine's is 1.30.5") },
  ]);
  expect(await warned(certManager({ email }), "1.37.0")).toHaveLength(1);
  expect(await warned(certManager({ email }), "1.33.0")).toEqual([]);
  expect(await warned(certManager({ email }))).toEqual([]);
  const manifest = { url: "https://example.com/cert-manager.yaml" };
  expect(await warned(certManager({ email, manifest }), "1.30.5")).toEqual([]);
  expect(await warned(rookCeph(), "1.30.5")).toMatchObject([{ path: "manifests" }]);
  expect(await warned(rookCeph(), "1.31.0")).toEqual([]);
});

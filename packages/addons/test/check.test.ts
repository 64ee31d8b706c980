import type { Addon, CallContext } from "@multicloud/core/plugin";
import { expect, test } from "vitest";
import { certManager, helloWorld, longhorn } from "../src/index.js";
import { nodes } from "./fixture.js";

const found = async (addon: Addon) => addon.check!({} as CallContext, nodes("home", "cloud"));
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
  expect((await longhorn().check!({} as CallContext, [])).problems).toHaveLength(1);
});

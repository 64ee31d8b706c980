import type { CallContext } from "@multicloud/core/plugin";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { stringify } from "yaml";
import { customResource } from "../../testing/src/releases/custom-resource.js";
import { helloWorld, traefik } from "../src/index.js";
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

const manifest = stringify(
  customResource({
    group: "traefik.io",
    version: "v1alpha1",
    kind: "Middleware",
    plural: "middlewares",
    scope: "Namespaced",
    labels: {},
  }),
);
const ingressClass = { apiVersion: "networking.k8s.io/v1", kind: "IngressClass" };

test("serves the ports of every node that takes pods, and is the class of what comes after; again, nothing changes", async () => {
  const { cluster, context, world } = fixture;
  await context.kubernetes.delete({ ...ingressClass, name: "nginx" });
  await traefik({ manifest }).apply(context);
  const daemonSet = cluster.object("apps/v1", "DaemonSet", "traefik", "traefik");
  expect(daemonSet?.status?.numberAvailable).toBe(3);
  expect(JSON.stringify(daemonSet?.spec)).toContain('"containerPort":8443,"hostPort":443');
  await helloWorld({ host: "hello.example.com", issuer: false }).apply(context);
  const ingress = cluster.object("networking.k8s.io/v1", "Ingress", "hello-world", "hello-world");
  expect(ingress?.spec?.ingressClassName).toBe("traefik");
  const before = world.effects.all.length;
  await traefik({ manifest }).apply(context);
  expect(world.effects.all.slice(before)).toEqual([]);
});

test("leaves alone what the engine brought", async () => {
  fixture.cluster.ensureIngressClass("traefik", "traefik.io/ingress-controller");
  await traefik({ manifest }).apply(fixture.context);
  expect(fixture.world.effects.all).toEqual([]);
  expect(fixture.reports).toMatchObject([{ message: "traefik: the cluster brings its own" }]);
});

test("problems of its options", async () => {
  const paths = async (options: object) =>
    (await traefik(options).check!({} as CallContext, [], {})).problems.map(({ path }) => path);
  expect(await paths({})).toEqual([]);
  expect(await paths({ ports: { http: 443 }, namspace: "x" })).toEqual(["namspace", "ports"]);
  expect(await paths({ ports: { http: 0, tcp: 1 } })).toEqual(["ports.tcp", "ports.http"]);
});

test("does not fit a cluster whose engine has another controller at its ports", async () => {
  const problems = async (ingress: readonly string[], ports = {}) =>
    (await traefik({ ports }).check!({} as CallContext, [], { ingress })).problems;
  expect(await problems(["nginx"])).toMatchObject([
    { path: "ports", message: expect.stringMatching(/80 and 443 .* nginx$/) },
  ]);
  expect(await problems(["nginx"], { http: 8080 })).toMatchObject([
    { path: "ports", message: expect.stringMatching(/^443 of/) },
  ]);
  expect(await problems(["nginx"], { http: 8080, https: 8443 })).toEqual([]);
  expect(await problems(["traefik"])).toEqual([]);
  expect(await problems([])).toEqual([]);
});

import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { certManager, helloWorld } from "../src/index.js";
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

const host = "hello.apps.example.com";

test("runs in several sites behind an Ingress with a certificate; again, nothing changes", async () => {
  await certManager({
    email: "ops@example.com",
    manifest: fixture.releases.certManager,
    pollIntervalMs: 1,
  }).apply(fixture.context);
  const addon = helloWorld({ host });
  expect(addon.after).toEqual(["cert-manager"]);
  await addon.apply(fixture.context);
  const pods = fixture.cluster.objects("Pod").filter((pod) => pod.metadata.namespace === "hello-world");
  expect(new Set(pods.map((pod) => pod.spec?.nodeName)).size).toBe(2);
  expect(fixture.cluster.ingressHosts()).toEqual([host]);
  const ingress = {
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    name: "hello-world",
    namespace: "hello-world",
  };
  expect(await fixture.api.get(ingress)).toMatchObject({
    spec: { ingressClassName: "nginx", tls: [{ hosts: [host], secretName: "hello-world-tls" }] },
  });
  await fixture.api.waitReady({
    ...ingress,
    apiVersion: "cert-manager.io/v1",
    kind: "Certificate",
    name: "hello-world-tls",
  });

  const before = fixture.world.effects.all.length;
  await addon.apply(fixture.context);
  expect(fixture.world.effects.all.slice(before)).toEqual([]);
});

test("plain HTTP without an issuer", async () => {
  await helloWorld({ host, issuer: false, namespace: "web", replicas: 1 }).apply(fixture.context);
  const ingress = fixture.cluster.object("networking.k8s.io/v1", "Ingress", "hello-world", "web");
  expect(ingress?.spec?.tls).toBeUndefined();
  expect(ingress?.metadata.annotations ?? {}).toEqual({});
});

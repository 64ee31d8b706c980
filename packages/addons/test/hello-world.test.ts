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
  expect(addon.after).toEqual(["cert-manager", "traefik"]);
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

test("takes the given Ingress class, else the cluster's default one, else its only one, else traefik", async () => {
  const { cluster, context } = fixture;
  const ingressClass = (name: string) => ({ apiVersion: "networking.k8s.io/v1", kind: "IngressClass", name });
  const used = async (options: { readonly ingressClass?: string } = {}) => {
    await helloWorld({ host, issuer: false, ...options }).apply(context);
    return cluster.object("networking.k8s.io/v1", "Ingress", "hello-world", "hello-world")?.spec
      ?.ingressClassName;
  };
  expect(await used({ ingressClass: "haproxy" })).toBe("haproxy");
  expect(await used()).toBe("nginx");
  cluster.modify(ingressClass("nginx"), (draft) => {
    delete draft.metadata.annotations;
  });
  expect(await used()).toBe("nginx");
  cluster.ensureIngressClass("internal", "example.com/internal");
  expect(await used()).toBe("internal");
  await context.kubernetes.delete(ingressClass("internal"));
  await context.kubernetes.delete(ingressClass("nginx"));
  expect(await used()).toBe("traefik");
});

import type { KubernetesApi, KubernetesConnect, Report } from "@multicloud/core/plugin";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { connect } from "../../kubernetes/src/index.js";
import { manualClock } from "../../testing/test/fake-world.js";
import { certManager } from "../src/index.js";
import { type AddonFixture, createPki, type Pki, setUp } from "./fixture.js";

let pki: Pki;
let fixture: AddonFixture;
beforeAll(async () => {
  pki = await createPki();
});
beforeEach(async () => {
  fixture = await setUp(pki, { rolloutMs: 20_000 });
});
afterEach(() => fixture.close());

const email = "ops@example.com";
const issuer = () => fixture.cluster.object("cert-manager.io/v1", "ClusterIssuer", "letsencrypt");

/** Time that goes on by itself until `until` holds, and stands still then. */
async function steppedSetUp(until: (cluster: AddonFixture["cluster"]) => boolean) {
  await fixture.close();
  const clock = manualClock();
  fixture = await setUp(pki, { rolloutMs: 20_000 }, clock);
  let held = true;
  const pump = setInterval(() => {
    if (!held || !until(fixture.cluster)) void clock.advance(100);
  }, 1);
  return { release: () => (held = false), stop: () => clearInterval(pump) };
}

const said = () => fixture.reports.flatMap((report) => (report.type === "log" ? [report.message] : []));
const isAvailable = (cluster: AddonFixture["cluster"], name: string) =>
  JSON.stringify(cluster.object("apps/v1", "Deployment", name, "cert-manager")?.status ?? {}).includes(
    '"availableReplicas"',
  );

test("an issuer that comes before the webhook runs is refused and tried again: the race is there", async () => {
  const time = await steppedSetUp(
    (cluster) =>
      cluster.object("apps/v1", "Deployment", "cert-manager-webhook", "cert-manager") !== undefined,
  );
  const eager: KubernetesApi = { ...fixture.api, waitReady: async () => {} };
  const addon = certManager({ email, manifest: fixture.releases.certManager, pollIntervalMs: 1 });
  const report = (one: Report) => {
    fixture.context.report(one);
    time.release();
  };
  await addon.apply({ ...fixture.context, kubernetes: eager, report });
  expect(said()[0]).toContain('failed calling webhook "webhook.cert-manager.io"');
  expect(said()[0]).toContain("connect: connection refused");
  expect(issuer()).toBeDefined();
  time.stop();
});

test("a webhook that runs but is not trusted by the API server yet is waited for, too", async () => {
  const names = ["cert-manager", "cert-manager-cainjector", "cert-manager-webhook"];
  const time = await steppedSetUp((cluster) => names.every((name) => isAvailable(cluster, name)));
  const addon = certManager({ email, manifest: fixture.releases.certManager, pollIntervalMs: 1 });
  const report = (one: Report) => {
    fixture.context.report(one);
    if (one.type === "log" && one.message.includes("unknown authority")) time.release();
  };
  await addon.apply({ ...fixture.context, report });
  expect(said().join("\n")).toContain("x509: certificate signed by unknown authority");
  expect(issuer()).toBeDefined();
  time.stop();
});

test("waits for the webhook, then applies the issuer; again, nothing changes", async () => {
  const addon = certManager({ email, manifest: fixture.releases.certManager, pollIntervalMs: 1 });
  await addon.apply(fixture.context);
  expect(issuer()?.spec?.acme).toEqual({
    server: "https://acme-v02.api.letsencrypt.org/directory",
    email,
    privateKeySecretRef: { name: "letsencrypt-account-key" },
    solvers: [{ http01: { ingress: { ingressClassName: "nginx" } } }],
  });
  const effects = fixture.world.effects.all;
  expect(effects.at(-1)).toMatchObject({ name: "ClusterIssuer letsencrypt", action: "create" });
  const before = effects.length;
  await addon.apply(fixture.context);
  expect(effects.slice(before)).toEqual([]);
});

test("a webhook that never answers ends in an error that says so", async () => {
  for (const name of ["worker-1", "worker-2", "worker-3"]) fixture.cluster.setNodeReady(name, false);
  const addon = certManager({
    email,
    manifest: fixture.releases.certManager,
    timeoutMs: 60,
    pollIntervalMs: 1,
  });
  const error = await addon.apply(fixture.context).catch((reason) => reason);
  expect(error).toMatchObject({ code: "TIMEOUT" });
  expect(error.message).toContain("Deployment cert-manager/cert-manager");
});

test("DNS-01 at Cloudflare: the token goes into a Secret beside cert-manager, nowhere else", async () => {
  const token = "cloudflare-secret-token";
  await certManager({
    email,
    server: "staging",
    manifest: fixture.releases.certManager,
    pollIntervalMs: 1,
    cloudflare: { token, zones: ["example.com"] },
  }).apply(fixture.context);
  const secret = fixture.cluster.object("v1", "Secret", "cloudflare-api-token", "cert-manager");
  expect(secret?.data).toEqual({ "api-token": Buffer.from(token).toString("base64") });
  expect(issuer()?.spec).toMatchObject({
    acme: {
      server: "https://acme-staging-v02.api.letsencrypt.org/directory",
      solvers: [
        {
          selector: { dnsZones: ["example.com"] },
          dns01: { cloudflare: { apiTokenSecretRef: { name: "cloudflare-api-token", key: "api-token" } } },
        },
        { http01: { ingress: { ingressClassName: "nginx" } } },
      ],
    },
  });
  expect(JSON.stringify(fixture.reports)).not.toContain(token);
});

test("the client fits core's contract, which it does not import", () => {
  // Does not compile when the two part.
  const fits: KubernetesConnect = connect;
  expect(fits).toBe(connect);
});

test("ends when the run is aborted", async () => {
  const reason = new Error("stop");
  const addon = certManager({ email, manifest: fixture.releases.certManager });
  for (const name of ["worker-1", "worker-2", "worker-3"]) fixture.cluster.setNodeReady(name, false);
  const applied = addon.apply({
    ...fixture.context,
    report(report) {
      if (report.type === "log") fixture.abort.abort(reason);
    },
  });
  await expect(applied).rejects.toBe(reason);
});

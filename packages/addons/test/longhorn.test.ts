import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { longhorn } from "../src/index.js";
import { htpasswdLine, htpasswdMatches } from "../src/longhorn/htpasswd.js";
import { type AddonFixture, createPki, nodes, type Pki, setUp } from "./fixture.js";

let pki: Pki;
let fixture: AddonFixture;
beforeAll(async () => {
  pki = await createPki();
});
beforeEach(async () => {
  fixture = await setUp(pki, { rolloutMs: 5_000 });
});
afterEach(() => fixture.close());

const storageClass = () => fixture.cluster.object("storage.k8s.io/v1", "StorageClass", "longhorn");
const ui = { host: "longhorn.example.com", user: "admin", password: "correct horse" };

test("installs, waits, and makes the default StorageClass for these nodes; again, nothing changes", async () => {
  const addon = longhorn({ manifest: fixture.releases.longhorn, pollIntervalMs: 1 });
  await addon.apply(fixture.context);
  expect(storageClass()).toMatchObject({
    metadata: { annotations: { "storageclass.kubernetes.io/is-default-class": "true" } },
    parameters: {
      numberOfReplicas: "2",
      dataLocality: "best-effort",
      replicaZoneSoftAntiAffinity: "disabled",
      staleReplicaTimeout: "30",
    },
  });
  const effects = fixture.world.effects.all;
  expect(effects.length).toBeGreaterThan(20);
  const before = effects.length;
  await addon.apply(fixture.context);
  expect(effects.slice(before)).toEqual([]);
});

test.each([
  [nodes("a"), {}, "1", "disabled", "enabled"],
  [nodes("a", "a"), {}, "2", "disabled", "enabled"],
  [nodes("a", "a", "a", "a"), {}, "3", "disabled", "enabled"],
  [nodes("a", "a", "b"), {}, "2", "best-effort", "disabled"],
  [nodes("a", "b", "c", "d", "e"), {}, "3", "best-effort", "disabled"],
  [nodes("a", "a", "b"), { replicas: 3 }, "3", "best-effort", "enabled"],
  [nodes("a", "b"), { replicas: 1, dataLocality: "strict-local" as const }, "1", "strict-local", "disabled"],
])("replicas and locality follow the workers: %#", async (workers, options, replicas, locality, zones) => {
  await longhorn({ manifest: fixture.releases.longhorn, pollIntervalMs: 1, ...options }).apply({
    ...fixture.context,
    nodes: workers,
  });
  expect(storageClass()?.parameters).toMatchObject({
    numberOfReplicas: replicas,
    dataLocality: locality,
    replicaZoneSoftAntiAffinity: zones,
  });
});

test("a class for each site, whose copies stay there; it follows the sites and changes nothing again", async () => {
  const { cluster, world } = fixture;
  const run = (workers: ReturnType<typeof nodes>, siteClasses = true) =>
    longhorn({ manifest: fixture.releases.longhorn, pollIntervalMs: 1, siteClasses }).apply({
      ...fixture.context,
      nodes: workers,
    });
  const classes = () =>
    Object.fromEntries(
      cluster
        .objects("StorageClass")
        .filter(({ metadata }) => metadata.name !== "longhorn")
        .map(({ metadata, parameters }) => {
          const { numberOfReplicas, nodeSelector } = parameters as Record<string, string>;
          return [metadata.name, `${numberOfReplicas} on ${nodeSelector}`];
        }),
    );
  const tags = () =>
    cluster
      .objects("Node")
      .filter(({ apiVersion }) => apiVersion.startsWith("longhorn.io"))
      .map(({ spec }) => spec?.tags);
  await run(nodes("home", "home", "cloud"));
  expect(classes()).toEqual({ "longhorn-cloud": "1 on site-cloud", "longhorn-home": "2 on site-home" });
  expect(tags()).toEqual([["site-home"], ["site-home"], ["site-cloud"]]);
  const before = world.effects.all.length;
  await run(nodes("home", "home", "cloud"));
  expect(world.effects.all.slice(before)).toEqual([]);

  // Another tag of a node is the user's; a class that is not ours stays.
  cluster.modify(
    { apiVersion: "longhorn.io/v1beta2", kind: "Node", name: "worker-1", namespace: "longhorn-system" },
    (draft) => {
      draft.spec = { ...draft.spec, tags: ["fast", "site-home"] };
    },
  );
  cluster.seed({
    apiVersion: "storage.k8s.io/v1",
    kind: "StorageClass",
    metadata: { name: "longhorn-mine" },
    provisioner: "driver.longhorn.io",
    parameters: { numberOfReplicas: "1", nodeSelector: "mine" },
  });
  await run(nodes("cloud", "home", "cloud"));
  expect(classes()).toEqual({
    "longhorn-cloud": "2 on site-cloud",
    "longhorn-home": "1 on site-home",
    "longhorn-mine": "1 on mine",
  });
  expect(tags()).toEqual([["fast", "site-cloud"], ["site-home"], ["site-cloud"]]);
  await run(nodes("home", "home", "home"));
  expect(Object.keys(classes())).toEqual(["longhorn-mine"]);
  await run(nodes("home", "cloud"), false);
  expect(Object.keys(classes())).toEqual(["longhorn-mine"]);
});

test("the kubelet's folder is told to the driver deployer when it is given", async () => {
  const folder = async () => {
    const deployer = fixture.cluster.object(
      "apps/v1",
      "Deployment",
      "longhorn-driver-deployer",
      "longhorn-system",
    );
    return JSON.stringify(deployer?.spec).includes('{"name":"KUBELET_ROOT_DIR","value":"/data/kubelet"}');
  };
  const options = { manifest: fixture.releases.longhorn, pollIntervalMs: 1 };
  await longhorn(options).apply(fixture.context);
  expect(await folder()).toBe(false);
  await longhorn({ ...options, kubeletRootDir: "/data/kubelet" }).apply(fixture.context);
  expect(await folder()).toBe(true);
});

test("a changed number of replicas reaches the StorageClass, though its parameters cannot be changed", async () => {
  const manifest = fixture.releases.longhorn;
  await longhorn({ manifest, pollIntervalMs: 1 }).apply(fixture.context);
  await longhorn({ manifest, pollIntervalMs: 1, replicas: 2, defaultClass: false }).apply(fixture.context);
  expect(storageClass()).toMatchObject({
    metadata: { annotations: { "storageclass.kubernetes.io/is-default-class": "false" } },
    parameters: { numberOfReplicas: "2" },
  });
});

test("the interface is behind a password whose hash stays while it fits", async () => {
  const addon = (password: string) =>
    longhorn({ manifest: fixture.releases.longhorn, pollIntervalMs: 1, ui: { ...ui, password } });
  await addon(ui.password).apply(fixture.context);
  const stored = () => {
    const secret = fixture.cluster.object("v1", "Secret", "longhorn-basic-auth", "longhorn-system");
    const auth = (secret?.data as { auth?: string } | undefined)?.auth ?? "";
    return Buffer.from(auth, "base64").toString();
  };
  expect(htpasswdMatches(stored(), "admin", ui.password)).toBe(true);
  const ingress = fixture.cluster.object("networking.k8s.io/v1", "Ingress", "longhorn-ui", "longhorn-system");
  expect(ingress?.metadata.annotations).toMatchObject({
    "cert-manager.io/cluster-issuer": "letsencrypt",
    "nginx.ingress.kubernetes.io/auth-secret": "longhorn-basic-auth",
  });
  expect(fixture.cluster.ingressHosts()).toEqual([ui.host]);

  const first = stored();
  const before = fixture.world.effects.all.length;
  await addon(ui.password).apply(fixture.context);
  expect(stored()).toBe(first);
  expect(fixture.world.effects.all.length).toBe(before);
  await addon("battery staple").apply(fixture.context);
  expect(htpasswdMatches(stored(), "admin", "battery staple")).toBe(true);
  expect(JSON.stringify([fixture.reports, fixture.cluster.objects()])).not.toContain(ui.password);
});

test("Traefik gets its middlewares", async () => {
  const addon = longhorn({
    manifest: fixture.releases.longhorn,
    pollIntervalMs: 1,
    ui: { ...ui, ingressClass: "traefik", issuer: false },
  });
  expect(addon.after).toBeUndefined();
  fixture.cluster.seed({
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "middlewares.traefik.io" },
    spec: {
      group: "traefik.io",
      scope: "Namespaced",
      names: { kind: "Middleware", plural: "middlewares", singular: "middleware" },
      versions: [{ name: "v1alpha1", served: true, storage: true }],
    },
  });
  await addon.apply(fixture.context);
  expect(
    fixture.cluster.object("traefik.io/v1alpha1", "Middleware", "longhorn-auth", "longhorn-system")?.spec,
  ).toEqual({ basicAuth: { secret: "longhorn-basic-auth", removeHeader: true } });
});

test("workers get what Longhorn needs of a node, masters nothing", () => {
  const [worker] = nodes("home");
  expect(longhorn().prepare?.(worker!)).toEqual({
    packages: ["open-iscsi", "nfs-common"],
    services: [{ name: "iscsid" }],
  });
  expect(longhorn().prepare?.({ ...worker!, role: "master" })).toEqual({});
});

// Made with `openssl passwd -apr1`.
test.each([
  ["saltsalt", "secret", "LrttParrLPdxvgutaSXWJ0"],
  ["12345678", "password", "9pHAGSBYtlmFtid2xxNog0"],
  ["ab", "x", "eIePjsejfBGR8ITtu2z0U1"],
  ["8gkfW2pq", "correct-horse-battery-staple-Ünïcode", "gDVqPYgDXLWkq1iBoLdLf0"],
])("hashes as Apache does: %s %s", (salt, password, hash) => {
  expect(htpasswdLine("me", password, salt)).toBe(`me:$apr1$${salt}$${hash}`);
  expect(htpasswdMatches(htpasswdLine("me", password), "me", password)).toBe(true);
  expect(htpasswdMatches(htpasswdLine("me", password), "you", password)).toBe(false);
  expect(htpasswdMatches(htpasswdLine("me", password), "me", `${password}!`)).toBe(false);
});

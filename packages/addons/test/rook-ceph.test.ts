import type { CallContext } from "@multicloud/core/plugin";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { stringify } from "yaml";
import { customResource } from "../../testing/src/releases/custom-resource.js";
import { rookCeph } from "../src/index.js";
import { type AddonFixture, createPki, nodes, type Pki, setUp } from "./fixture.js";

let pki: Pki;
let fixture: AddonFixture;
beforeAll(async () => {
  pki = await createPki();
});
beforeEach(async () => {
  fixture = await setUp(pki, { rolloutMs: 1_000 });
});
afterEach(() => fixture.close());

const definition = (kind: string, plural: string) =>
  customResource({ group: "ceph.rook.io", version: "v1", kind, plural, scope: "Namespaced", labels: {} });
const labels = { app: "rook-ceph-operator" };
/** Stand-ins for Rook's four files. */
const manifests = [
  [definition("CephCluster", "cephclusters"), definition("CephBlockPool", "cephblockpools")],
  [{ apiVersion: "v1", kind: "Namespace", metadata: { name: "rook-ceph" } }],
  [
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "rook-ceph-operator", namespace: "rook-ceph" },
      spec: {
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: { containers: [{ name: "operator", image: "example.org/rook:1" }] },
        },
      },
    },
  ],
].map((objects) => objects.map((object) => `---\n${stringify(object)}`).join(""));
const cephCluster = {
  apiVersion: "ceph.rook.io/v1",
  kind: "CephCluster",
  name: "rook-ceph",
  namespace: "rook-ceph",
};

/** The operator, which makes the cluster ready some time after it came. */
function play(): () => void {
  const timer = setInterval(() => {
    fixture.cluster.modify(cephCluster, (draft) => {
      draft.status = { phase: "Ready", conditions: [{ type: "Ready", status: "True" }] };
    });
  }, 5);
  return () => clearInterval(timer);
}

test("the operator first, then one cluster, a pool and a class; again, nothing changes", async () => {
  const stop = play();
  try {
    const addon = rookCeph({ manifests, deviceFilter: "^vd[b-z]$", site: "home" });
    await addon.apply(fixture.context);
    const { cluster, world } = fixture;
    expect(
      cluster.object(cephCluster.apiVersion, "CephCluster", "rook-ceph", "rook-ceph")?.spec,
    ).toMatchObject({
      mon: { count: 1 },
      mgr: { count: 2 },
      storage: { useAllDevices: false, deviceFilter: "^vd[b-z]$" },
    });
    expect(cluster.objects("CephBlockPool")[0]?.spec).toEqual({
      failureDomain: "host",
      replicated: { size: 2, requireSafeReplicaSize: true },
    });
    expect(cluster.objects("StorageClass")[0]).toMatchObject({
      metadata: { name: "ceph-block" },
      provisioner: "rook-ceph.rbd.csi.ceph.com",
    });
    const before = world.effects.all.length;
    await addon.apply(fixture.context);
    expect(world.effects.all.slice(before)).toEqual([]);
  } finally {
    stop();
  }
});

test("copies are in different sites when there are three", async () => {
  const stop = play();
  try {
    await rookCeph({ manifests }).apply({ ...fixture.context, nodes: nodes("a", "b", "c", "c") });
    expect(fixture.cluster.objects("CephBlockPool")[0]?.spec).toMatchObject({
      failureDomain: "zone",
      replicated: { size: 3 },
    });
    expect(fixture.cluster.objects("CephCluster")[0]?.spec).toMatchObject({ mon: { count: 3 } });
  } finally {
    stop();
  }
});

test("problems and warnings for these nodes; what nodes need", async () => {
  const check = (options: Parameters<typeof rookCeph>[0], ...sites: string[]) =>
    rookCeph(options).check!({} as CallContext, nodes(...sites), {});
  expect(await check({}, "a", "a", "a")).toEqual({ problems: [], warnings: [] });
  expect((await check({}, "a", "b", "c")).warnings).toMatchObject([{ path: "site" }]);
  expect((await check({}, "a")).warnings).toHaveLength(1);
  const { problems } = await check({ site: "b", deviceFilter: "(", manifests: ["x"] }, "a");
  expect(problems.map(({ path }) => path)).toEqual(["manifests[0]", "site", "deviceFilter"]);
  const [home, cloud] = nodes("home", "cloud");
  expect(rookCeph({ site: "home" }).prepare!(home!)).toEqual({ packages: ["lvm2"] });
  expect(rookCeph({ site: "home" }).prepare!(cloud!)).toEqual({});
});

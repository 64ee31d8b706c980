import type { AddonContext, PlannedNode, Report, StateStore } from "@multicloud/core/plugin";
import { createPki, type Fixture, type Pki, setUp as setUpCluster } from "../../kubernetes/test/fixture.js";
import { createReleases, type Releases } from "../../testing/src/releases/releases.js";
import { type Clock, createClock } from "../../testing/src/world/clock.js";
import type { Timing } from "../../testing/src/world/timing.js";
import { fakeWorld } from "../../testing/test/fake-world.js";

export { createPki, type Pki };

/** A cluster of three workers on two sites, the download sites, and what core would hand to an addon. */
export interface AddonFixture extends Fixture {
  readonly releases: Releases;
  readonly context: AddonContext;
  readonly state: Map<string, Uint8Array>;
  readonly reports: Report[];
  readonly abort: AbortController;
}

/** @param clock by default time runs a thousand times as fast: one thing after the other, and yet at once */
export async function setUp(
  pki: Pki,
  timing: Partial<Timing> = {},
  clock: Clock = createClock(1 / 1_000),
): Promise<AddonFixture> {
  const world = fakeWorld({ clock, timing });
  const cluster = await setUpCluster(pki, { world });
  // RKE1 brings its own nginx.
  cluster.cluster.ensureIngressClass("nginx", "k8s.io/ingress-nginx");
  const releases = await createReleases(world);
  const state = new Map<string, Uint8Array>();
  const reports: Report[] = [];
  const abort = new AbortController();
  const context: AddonContext = {
    cluster: "homelab",
    signal: abort.signal,
    dialer: cluster.dialer,
    report: (report) => reports.push(report),
    kubernetes: cluster.api,
    nodes: nodes("home", "home", "cloud"),
    state: memoryState(state),
  };
  return {
    ...cluster,
    releases,
    context,
    state,
    reports,
    abort,
    async close() {
      await releases.close();
      await cluster.close();
    },
  };
}

/** Workers at these sites. */
export function nodes(...sites: readonly string[]): PlannedNode[] {
  return sites.map((site, index) => ({
    name: `worker-${index + 1}`,
    site,
    role: "worker",
    labels: { "topology.kubernetes.io/region": site },
    jump: [],
  }));
}

function memoryState(entries: Map<string, Uint8Array>): StateStore {
  return {
    read: async (key) => entries.get(key),
    async write(key, data) {
      entries.set(key, typeof data === "string" ? new TextEncoder().encode(data) : data);
    },
    async delete(key) {
      entries.delete(key);
    },
    list: async (prefix) => [...entries.keys()].filter((key) => key.startsWith(prefix)).sort(),
    directory: () => Promise.reject(new Error("no files here")),
    path: () => undefined,
    lock: () => Promise.reject(new Error("no lock here")),
    async clear() {
      entries.clear();
    },
  };
}

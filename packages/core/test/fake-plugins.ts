import type { MulticloudConfig, PoolConfig } from "../src/config/config.js";
import type { ClusterEngine } from "../src/contracts/engine.js";
import type { Overlay } from "../src/contracts/overlay.js";
import type { Provider } from "../src/contracts/provider.js";

const ok = async () => ({ problems: [], warnings: [] });
const unused = async () => {
  throw new Error("not used by this test");
};

export function fakeProvider(overrides: Partial<Provider> = {}): Provider {
  return {
    specVersion: "v1",
    name: "fake",
    userData: { maxBytes: 16_384, gzip: false },
    check: ok,
    list: async () => [],
    ensureShared: unused,
    create: unused,
    delete: unused,
    deleteShared: unused,
    ...overrides,
  };
}

export function fakeOverlay(overrides: Partial<Overlay> = {}): Overlay {
  return {
    specVersion: "v1",
    name: "fake",
    check: ok,
    find: async () => ({ id: "n1", interfaceName: "ov0" }),
    ensure: async () => ({ id: "n1", interfaceName: "ov0" }),
    boot: () => ({ packages: ["overlay"] }),
    admit: unused,
    members: async () => [],
    remove: unused,
    destroy: unused,
    ...overrides,
  };
}

export function fakeEngine(overrides: Partial<ClusterEngine> = {}): ClusterEngine {
  return {
    specVersion: "v1",
    name: "fake",
    cidrs: { pods: "10.42.0.0/16", services: "10.43.0.0/16" },
    check: ok,
    prepare: () => ({}),
    up: unused,
    reset: unused,
    ...overrides,
  };
}

export const pool: PoolConfig = { count: 1, size: "small", image: "debian-12" };

/** Three masters in three sites, one worker each: nothing to complain about. */
export function goodConfig(overrides: Partial<MulticloudConfig> = {}): MulticloudConfig {
  const site = () => ({ provider: fakeProvider(), masters: pool, workers: pool });
  return {
    name: "lab",
    sites: { one: site(), two: site(), three: site() },
    overlay: fakeOverlay(),
    engine: fakeEngine(),
    ...overrides,
  };
}

import type { EngineNode } from "@multicloud/core/plugin";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { steadyJoin } from "../../src/distribution/bring.js";
import { defaultTiming } from "../../src/distribution/etcd-timing.js";
import {
  type ConfigParts,
  effectiveConfig,
  nodeConfig,
  nodeFiles,
  renderConfig,
} from "../../src/distribution/node-config.js";
import { withDistributionDefaults } from "../../src/distribution/options.js";
import type { K3sOptions, Rke2Options } from "../../src/index.js";
import { k3sDistribution } from "../../src/k3s.js";
import { rke2Distribution } from "../../src/rke2.js";

/** The nodes of the example `homelab`, with addresses as they could be. */
const homelab = [
  nodeOf("home", "master", 1, 1, "192.168.1.11"),
  nodeOf("ramnode", "master", 1, 2, "203.0.113.10", "203.0.113.10"),
  nodeOf("digitalocean", "master", 1, 3, "203.0.113.20", "203.0.113.20"),
  nodeOf("home", "worker", 1, 4, "192.168.1.12"),
  nodeOf("home", "worker", 2, 5, "192.168.1.13"),
  nodeOf("home", "worker", 3, 6, "192.168.1.14"),
  nodeOf("ramnode", "worker", 1, 7, "203.0.113.11", "203.0.113.11"),
  nodeOf("digitalocean", "worker", 1, 8, "203.0.113.21", "203.0.113.21"),
];

function nodeOf(
  site: string,
  role: EngineNode["role"],
  index: number,
  last: number,
  address: string,
  publicAddress?: string,
): EngineNode {
  return {
    name: `multicloud-${site}-${role}-${index}`,
    site,
    role,
    labels: { "topology.kubernetes.io/region": site, "topology.kubernetes.io/zone": site },
    jump: [],
    address,
    port: 22,
    user: "multicloud",
    ...(publicAddress === undefined ? {} : { publicAddress }),
    overlayAddress: `10.144.0.${last}`,
    overlayInterface: "ztks5xhdfg",
    host: {} as EngineNode["host"],
    probe: async () => {},
  };
}

function partsOf(
  distribution: typeof k3sDistribution,
  options: K3sOptions | Rke2Options = {},
  nodes: readonly EngineNode[] = homelab,
): ConfigParts {
  return {
    distribution,
    settings: withDistributionDefaults(distribution, options),
    cluster: "multicloud",
    masters: nodes.filter(({ role }) => role === "master"),
    hasWorkers: nodes.some(({ role }) => role === "worker"),
    apiName: "api.example.com",
    etcd: defaultTiming,
  };
}

const configOf = (parts: ConfigParts, node: EngineNode) =>
  parse(renderConfig(nodeConfig(parts, node, steadyJoin(parts, node))));

describe.each([k3sDistribution, rke2Distribution])("$name on the homelab", (distribution) => {
  const parts = partsOf(distribution);
  const folder = `../../../../docs/examples/homelab/${distribution.name}`;

  test.each(homelab)("$name", async (node) => {
    const text = renderConfig(nodeConfig(parts, node, steadyJoin(parts, node)));
    await expect(text).toMatchFileSnapshot(`${folder}/${node.name}.config.yaml`);
  });

  test("manifests of the masters", async () => {
    for (const node of homelab) {
      for (const [path, content] of Object.entries(nodeFiles(parts, node)))
        await expect(content).toMatchFileSnapshot(`${folder}/${path.split("/").at(-1)}`);
    }
  });

  test("every node meets the others over the overlay only", () => {
    for (const node of homelab) {
      const config = configOf(parts, node);
      expect(config["node-ip"]).toBe(node.overlayAddress);
      expect(config["node-external-ip"]).toBe(node.publicAddress);
      expect(config.server).toMatch(/^https:\/\/10\.144\.0\.[123]:(6443|9345)$/);
      if (node.role === "master") expect(config["advertise-address"]).toBe(node.overlayAddress);
    }
  });

  test("any master's certificate is good for all of them, and for the API's name", () => {
    const masters = homelab.filter(({ role }) => role === "master");
    for (const node of masters) {
      expect(configOf(parts, node)["tls-san"]).toEqual([
        "api.example.com",
        "10.144.0.1",
        "192.168.1.11",
        "10.144.0.2",
        "203.0.113.10",
        "10.144.0.3",
        "203.0.113.20",
      ]);
    }
  });

  test("what servers must agree on is equal on all of them", () => {
    const masters = homelab.filter(({ role }) => role === "master");
    const critical = ["cluster-cidr", "service-cidr", "etcd-arg", "tls-san"];
    const values = masters.map((node) => critical.map((key) => configOf(parts, node)[key]));
    expect(new Set(values.map((value) => JSON.stringify(value))).size).toBe(1);
  });
});

test("lists of the user are added to ours, everything else replaces it; a node's own come last", () => {
  const parts = partsOf(k3sDistribution, {
    agent: { "kubelet-arg": ["max-pods=200"], debug: true },
    server: { "tls-san": "lb.example.com", disable: ["traefik"], debug: false },
    nodes: {
      "multicloud-home-worker-1": { "node-label": ["disk=slow"], "node-taint": "disk=slow:NoSchedule" },
    },
  });
  const [master, , , worker] = homelab;
  const server = configOf(parts, master!);
  expect(server["tls-san"].at(-1)).toBe("lb.example.com");
  expect(server).toMatchObject({ disable: ["traefik"], debug: false, "kubelet-arg": ["max-pods=200"] });
  const agent = configOf(parts, worker!);
  expect(agent["node-label"]).toEqual([
    "multicloud/cluster=multicloud",
    "topology.kubernetes.io/region=home",
    "topology.kubernetes.io/zone=home",
    "disk=slow",
  ]);
  expect(agent).toMatchObject({ "node-taint": "disk=slow:NoSchedule", debug: true });
  expect(agent.disable).toBeUndefined();
});

test("masters take pods when there is nobody else", () => {
  const alone = partsOf(k3sDistribution, {}, homelab.slice(0, 1));
  expect(configOf(alone, homelab[0]!)["node-taint"]).toBeUndefined();
  expect(configOf(partsOf(k3sDistribution), homelab[0]!)["node-taint"]).toEqual([
    "node-role.kubernetes.io/control-plane=true:NoSchedule",
  ]);
});

test("labels that a kubelet may not give itself are left to the API", () => {
  const node = { ...homelab[3]!, labels: { "node-role.kubernetes.io/worker": "true", "example.com/a": "b" } };
  expect(configOf(partsOf(k3sDistribution), node)["node-label"]).toEqual([
    "example.com/a=b",
    "multicloud/cluster=multicloud",
  ]);
});

test("the first server begins, a single one goes on doing so, and neither decides about a restart", () => {
  const parts = partsOf(k3sDistribution, {}, homelab.slice(0, 1));
  const first = nodeConfig(parts, homelab[0]!, undefined);
  expect(first["cluster-init"]).toBe(true);
  expect(steadyJoin(parts, homelab[0]!)).toBeUndefined();
  const joined = nodeConfig(parts, homelab[0]!, "https://10.144.0.2:6443");
  expect(effectiveConfig(first)).toEqual(effectiveConfig(joined));
});

test("RKE2's other CNIs: flannel is told the interface too, the rest is left to the user", () => {
  const manifests = (cni: string | string[]) =>
    Object.keys(nodeFiles(partsOf(rke2Distribution, { server: { cni } }), homelab[0]!));
  expect(manifests("flannel")).toEqual([expect.stringContaining("rke2-flannel-multicloud.yaml")]);
  expect(manifests(["multus", "canal"])).toEqual([expect.stringContaining("rke2-canal-multicloud.yaml")]);
  expect(manifests("cilium")).toEqual([]);
});

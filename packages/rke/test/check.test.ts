import type { EngineContext, JumpHost, PlannedNode, Role } from "@multicloud/core/plugin";
import { expect, test } from "vitest";
import { type RkeOptions, rke } from "../src/index.js";

function node(name: string, role: Role = "master", jump: readonly JumpHost[] = []): PlannedNode {
  return { name, site: name.split("-")[1] ?? "", role, labels: {}, jump };
}

async function problemsOf(options: object, nodes: readonly PlannedNode[] = [node("lab-a-master-1")]) {
  const engine = rke({ binary: process.execPath, ...(options as RkeOptions) });
  const { problems } = await engine.check({ signal: AbortSignal.timeout(10_000) } as EngineContext, nodes);
  // `node --version` is no `rke version`, so that one problem is always there.
  return problems.filter((problem) => problem.path !== "binary");
}

test("finds nothing wrong with good options", async () => {
  const config = {
    services: { etcd: { backup_config: { interval_hours: 6 } } },
    nodes: [
      { hostname_override: "lab-a-master-1", taints: [{ key: "a", value: "b", effect: "NoSchedule" }] },
    ],
  };
  expect(await problemsOf({ config, podCidr: "10.42.0.0/16", upstreamNameservers: ["9.9.9.9"] })).toEqual([]);
});

test("says what is wrong with the program", async () => {
  const { problems } = await rke({ binary: "/nowhere/rke" }).check(
    { signal: AbortSignal.timeout(10_000) } as EngineContext,
    [node("lab-a-master-1")],
  );
  expect(problems).toMatchObject([
    { path: "binary", given: "/nowhere/rke", message: expect.stringContaining("not found") },
  ]);
});

test.each([
  [{ config: { services: { kube_api: {} } } }, "config.services.kube_api", "kube-api"],
  [{ config: { services: { "kube-apiserver": {} } } }, "config.services.kube-apiserver", "kube-api"],
  [
    { config: { nodes: [{ name: "x", hostname_override: "lab-a-master-1" }] } },
    "config.nodes[0].name",
    "hostname_override",
  ],
  [{ config: { network: { plugin: "flanel" } } }, "config.network.plugin", "flannel"],
  [
    { config: { nodes: [{ hostname_override: "lab-a-master-2" }] } },
    "config.nodes[0].hostname_override",
    "lab-a-master-1",
  ],
  [{ versoin: "v1.30.5-rancher1-1" }, "versoin", "version"],
  [{ version: "1.30.5" }, "version", "v1.30.5-rancher1-1"],
])("%j: %s, did you mean %s", async (options, path, suggestion) => {
  expect(await problemsOf(options)).toContainEqual(expect.objectContaining({ path, suggestion }));
});

test.each([
  [{ config: { kubernetes_version: "v1.30.5-rancher1-1" } }, "config.kubernetes_version"],
  [{ config: { ignore_docker_version: true } }, "config.ignore_docker_version"],
  [
    { config: { services: { "kube-controller": { cluster_cidr: "10.1.0.0/16" } } } },
    "config.services.kube-controller.cluster_cidr",
  ],
  [{ config: { nodes: [{ hostname_override: "lab-a-master-1", role: ["etcd"] }] } }, "config.nodes[0].role"],
  [{ config: { network: { mtu: 1400 } } }, "config.network.mtu"],
  [
    { config: { services: { kubelet: { extra_args: { "max-pods": 250 } } } } },
    "config.services.kubelet.extra_args.max-pods",
  ],
  [{ config: { dns: { upstreamnameservers: "9.9.9.9" } } }, "config.dns.upstreamnameservers"],
  [{ config: { nodes: [null] } }, "config.nodes[0]"],
  [{ serviceCidr: "10.42.8.0/24" }, "serviceCidr"],
  [{ podCidr: "10.42.0.1/16" }, "podCidr"],
  [{ attempts: 0 }, "attempts"],
  [{ addonsInclude: ["longhorn.yaml"] }, "addonsInclude[0]"],
  [{ addonsInclude: ["/nowhere/longhorn.yaml"] }, "addonsInclude[0]"],
  [{ upstreamNameservers: "9.9.9.9" }, "upstreamNameservers"],
])("%j: %s is wrong", async (options, path) => {
  expect((await problemsOf(options)).map((problem) => problem.path)).toContain(path);
});

test("never shows a secret", async () => {
  const config = { private_registries: [{ url: "r", password: 1234567 }] };
  const problems = await problemsOf({ config });
  expect(problems).toHaveLength(1);
  expect(JSON.stringify(problems)).not.toContain("1234567");
});

test("wants a master, and one jump host for all", async () => {
  const jump = (host: string): JumpHost => ({ host, user: "u", hostKey: "ssh-ed25519 AAAA" });
  expect(await problemsOf({}, [node("lab-a-worker-1", "worker")])).toMatchObject([{ path: "" }]);
  const two = [
    node("lab-a-master-1", "master", [jump("198.51.100.1")]),
    node("lab-b-worker-1", "worker", [jump("198.51.100.2")]),
  ];
  expect(await problemsOf({}, two)).toMatchObject([
    { path: "bastion", message: expect.stringContaining("198.51.100.2") },
  ]);
  expect(await problemsOf({ bastion: { address: "198.51.100.3", user: "u" } }, two)).toEqual([]);
  const chain = [node("lab-a-master-1", "master", [jump("198.51.100.1"), jump("10.0.0.1")])];
  expect(await problemsOf({}, chain)).toMatchObject([
    { path: "bastion", message: expect.stringContaining("one host only") },
  ]);
});

test("one host on another port or for another user is another jump host", async () => {
  const one = { host: "198.51.100.1", user: "u", hostKey: "ssh-ed25519 AAAA" };
  const nodes = [
    node("lab-a-master-1", "master", [one]),
    node("lab-b-master-1", "master", [{ ...one, port: 22 }]),
  ];
  expect(await problemsOf({}, nodes)).toEqual([]);
});

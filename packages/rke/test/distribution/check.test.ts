import type { EngineContext, PlannedNode } from "@multicloud/core/plugin";
import { expect, test } from "vitest";
import { flavours } from "../../../testing/src/distribution/flavour.js";
import { type K3sOptions, k3s, rke2 } from "../../src/index.js";
import { k3sDistribution } from "../../src/k3s.js";
import { rke2Distribution } from "../../src/rke2.js";

const node = (name: string, role: PlannedNode["role"]): PlannedNode => ({
  name,
  site: "a",
  role,
  labels: {},
  jump: [],
});
const nodes = [node("lab-a-master-1", "master"), node("lab-a-worker-1", "worker")];
const context = {} as EngineContext;
const check = (options: object, wanted = nodes) => k3s(options as K3sOptions).check(context, wanted);

test("no options are right", async () => {
  for (const engine of [k3s(), rke2()])
    expect(await engine.check(context, nodes)).toEqual({ problems: [], warnings: [] });
});

test.each([
  [{ vershion: "v1.35.6+k3s1" }, { path: "vershion", suggestion: "version" }],
  [{ version: "v1.35.6" }, { path: "version", given: "v1.35.6", suggestion: "v1.35.6+k3s1" }],
  [{ "kubelet-arg": [] }, { path: "kubelet-arg", hint: expect.stringContaining("goes into agent") }],
  [{ agent: { "kublet-arg": ["a=b"] } }, { path: "agent.kublet-arg", suggestion: "kubelet-arg" }],
  [
    { agent: { "kube-apiserver-arg": ["a=b"] } },
    { path: "agent.kube-apiserver-arg", hint: expect.stringContaining("server") },
  ],
  [{ agent: { "kubelet-arg": [1] } }, { path: "agent.kubelet-arg", message: "must be a list of strings" }],
  [{ server: { "node-ip": "1.2.3.4" } }, { path: "server.node-ip", message: "is not set here" }],
  [
    { server: { "cluster-cidr": "10.0.0.0/8" } },
    { path: "server.cluster-cidr", hint: expect.stringContaining("podCidr") },
  ],
  [{ nodes: { "lab-a-worker-2": {} } }, { path: "nodes.lab-a-worker-2", suggestion: "lab-a-worker-1" }],
  [{ nodes: { "lab-a-worker-1": { "tls-san": "x" } } }, { path: "nodes.lab-a-worker-1.tls-san" }],
  [{ etcd: { maxRoundtripMs: 3 } }, { path: "etcd.maxRoundtripMs", suggestion: "maxRoundTripMs" }],
  [{ podCidr: "10.43.0.0/16" }, { path: "serviceCidr", message: "overlaps podCidr 10.43.0.0/16" }],
  [{ manifests: { "My_Chart.yaml": "" } }, { path: "manifests.My_Chart.yaml" }],
  [{ sha256: { k3s: "abc" } }, { path: "sha256.k3s" }],
  [{ files: "relative" }, { path: "files", message: "must be an absolute path" }],
  [{ mirror: { releases: "ftp://x" } }, { path: "mirror.releases" }],
  [{ concurrency: 0 }, { path: "concurrency" }],
])("%j", async (options, problem) => {
  const { problems } = await check(options);
  expect(problems).toMatchObject([problem]);
});

test("all problems are told at once", async () => {
  const { problems } = await check({ version: "x", podCidr: "y", agent: { z: 1 } });
  expect(problems.map(({ path }) => path)).toEqual(["version", "podCidr", "agent.z"]);
});

test("no master is a problem, an even number of them a warning", async () => {
  expect((await check({}, nodes.slice(1))).problems).toMatchObject([{ path: "" }]);
  const two = [...nodes, node("lab-b-master-1", "master")];
  expect((await check({}, two)).warnings).toMatchObject([{ given: "2" }]);
});

test("up() refuses the same before it touches a node", async () => {
  const wrong = k3s({ version: "x" });
  await expect(wrong.up(context, [])).rejects.toMatchObject({ code: "CONFIG_INVALID" });
});

test("every key that may be set is one that the program knows", () => {
  for (const distribution of [k3sDistribution, rke2Distribution]) {
    const flavour = flavours.find(({ name }) => name === distribution.name)!;
    const unknown = (keys: object, known: ReadonlySet<string>) =>
      Object.keys(keys).filter((key) => !known.has(key));
    expect(unknown(distribution.keys.agent, flavour.agentKeys)).toEqual([]);
    expect(unknown(distribution.keys.server, flavour.serverKeys)).toEqual([]);
  }
});

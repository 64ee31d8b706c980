import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { parse } from "yaml";
import { k3s, rke2 } from "../../src/index.js";
import { errorOf, type Fixture, quick, setUp } from "./fixture.js";

let fixture: Fixture | undefined;
afterEach(async () => {
  await fixture?.close();
  fixture = undefined;
});

const three = ["lab-a-master-1", "lab-b-master-1", "lab-c-master-1"];
const withWorkers = [...three, "lab-a-worker-1", "lab-b-worker-1"];

for (const [name, engine] of [
  ["k3s", k3s(quick)],
  ["rke2", rke2(quick)],
] as const) {
  test(`${name}: one cluster of all nodes, and nothing to do the second time`, async () => {
    const lab = await setUp(engine, withWorkers);
    fixture = lab;
    const first = await lab.up();
    expect(first.changed).toBe(true);
    expect([...lab.cluster().members.keys()].sort()).toEqual(three);
    expect(lab.nodeNames()).toEqual([...withWorkers].sort());
    const effects = lab.world.effects.all.length;
    const second = await lab.up();
    expect(second).toEqual({ kubeconfig: first.kubeconfig, changed: false });
    expect(lab.effectsSince(effects)).toEqual([]);
    // What the programs do not know they would skip.
    for (const node of lab.nodes) {
      const unit = { k3s: ["k3s", "k3s-agent"], rke2: ["rke2-server", "rke2-agent"] }[name];
      const journal = unit!.flatMap((one) => lab.distributions.journal(lab.machine(node.name), one));
      expect(journal.filter((line) => !line.includes("Starting"))).toEqual([]);
    }
  });
}

test("the kubeconfig names the cluster, and the API's name when it has one", async () => {
  const lab = await setUp(k3s(quick), three.slice(0, 1));
  fixture = lab;
  const { kubeconfig } = await lab.up();
  expect(parse(kubeconfig)).toMatchObject({
    clusters: [{ name: "lab", cluster: { server: "https://203.0.113.1:6443" } }],
    contexts: [{ name: "lab", context: { cluster: "lab", user: "lab" } }],
    "current-context": "lab",
  });
  const named = await lab.up(lab.nodes, { apiName: "api.example.com" });
  expect(named.changed).toBe(true);
  expect(parse(named.kubeconfig).clusters[0].cluster.server).toBe("https://api.example.com:6443");
  expect(parse(lab.config("lab-a-master-1"))["tls-san"]).toContain("api.example.com");
});

test("the token is in private files only, and in no report", async () => {
  const lab = await setUp(k3s(quick), withWorkers);
  fixture = lab;
  await lab.up();
  const { secret } = lab.cluster();
  expect(secret).toMatch(/^[0-9a-f]{64}$/);
  const record = join(lab.stateDirectory, "engine/cluster.json");
  expect(await readFile(record, "utf8")).toContain(secret);
  expect((await stat(record)).mode & 0o777).toBe(0o600);
  for (const { name } of lab.nodes) {
    const holding = lab
      .machine(name)
      .files.list()
      .filter(({ content }) => content?.includes(secret));
    expect(holding.length).toBeGreaterThan(0);
    expect(holding.filter(({ mode }) => (mode & 0o077) !== 0)).toEqual([]);
    expect(lab.config(name)).not.toContain(secret);
  }
  expect(JSON.stringify(lab.reports)).not.toContain(secret);
});

test("workers join with a token that names the cluster's authority", async () => {
  const lab = await setUp(k3s(quick), [...three.slice(0, 1), "lab-a-worker-1"]);
  fixture = lab;
  await lab.up();
  const { caHash, secret } = lab.cluster();
  const token = lab.machine("lab-a-worker-1").files.read("/etc/rancher/k3s/token");
  expect(token).toBe(`K10${caHash}::server:${secret}\n`);
});

test("a node more is one node's change; masters restart for the names in their certificate", async () => {
  const lab = await setUp(k3s(quick), [...three, "lab-a-worker-1"]);
  fixture = lab;
  await lab.up();
  let effects = lab.world.effects.all.length;
  const worker = await lab.addNode("lab-c-worker-1");
  effects = lab.world.effects.all.length;
  await lab.up([...lab.nodes, worker]);
  const touched = lab.effectsSince(effects).filter((line) => !line.includes("lab-c-worker-1"));
  expect(touched).toEqual([]);
  const masters = [await lab.addNode("lab-d-master-1"), await lab.addNode("lab-e-master-1")];
  effects = lab.world.effects.all.length;
  await lab.up([...lab.nodes, worker, ...masters]);
  expect(lab.cluster().members.size).toBe(5);
  const runs = lab.effectsSince(effects).filter((line) => line.startsWith("machine service run"));
  expect(runs.map((line) => line.replace("machine service run ", ""))).toEqual([
    "lab-a-master-1:k3s",
    "lab-b-master-1:k3s",
    "lab-c-master-1:k3s",
    "lab-d-master-1:k3s",
    "lab-e-master-1:k3s",
  ]);
});

test("a machine that was replaced takes its name over, as master and as worker", async () => {
  const lab = await setUp(k3s(quick), withWorkers);
  fixture = lab;
  await lab.up();
  const { caHash } = lab.cluster();
  const names = ["lab-a-master-1", "lab-b-worker-1"];
  const replaced = [];
  for (const node of lab.nodes)
    replaced.push(names.includes(node.name) ? await lab.addNode(node.name) : node);
  await lab.up(replaced);
  expect(lab.cluster().caHash).toBe(caHash);
  expect([...lab.cluster().members.keys()].sort()).toEqual(three);
  expect(lab.cluster().members.get("lab-a-master-1")?.address).toBe(replaced[0]?.overlayAddress);
  const effects = lab.world.effects.all.length;
  expect((await lab.up(replaced)).changed).toBe(false);
  expect(lab.effectsSince(effects)).toEqual([]);
});

test("the state that was lost is found again on a master", async () => {
  const lab = await setUp(k3s(quick), withWorkers);
  fixture = lab;
  const first = await lab.up();
  const { secret } = lab.cluster();
  await lab.loseState();
  const effects = lab.world.effects.all.length;
  const again = await lab.up();
  expect(again).toEqual({ kubeconfig: first.kubeconfig, changed: false });
  expect(lab.effectsSince(effects)).toEqual([]);
  expect(await readFile(join(lab.stateDirectory, "engine/cluster.json"), "utf8")).toContain(secret);
});

test("with the state lost and the first master replaced, the others are joined", async () => {
  const lab = await setUp(rke2(quick), withWorkers);
  fixture = lab;
  await lab.up();
  await lab.loseState();
  const [, ...others] = lab.nodes;
  await lab.up([await lab.addNode("lab-a-master-1"), ...others]);
  expect([...lab.cluster().members.keys()].sort()).toEqual(three);
});

test("a cluster whose masters are all gone is not begun a second time, with state and without", async () => {
  const lab = await setUp(k3s(quick), [...three.slice(0, 1), "lab-a-worker-1"]);
  fixture = lab;
  await lab.up();
  const worker = lab.node("lab-a-worker-1");
  const nodes = [await lab.addNode("lab-a-master-1"), worker];
  const effects = lab.world.effects.all.length;
  expect((await errorOf(lab.up(nodes))).code).toBe("ENGINE_STATE_MISSING");
  await lab.loseState();
  // The worker remembers.
  expect((await errorOf(lab.up(nodes))).code).toBe("ENGINE_STATE_MISSING");
  expect(lab.effectsSince(effects)).toEqual([]);
  lab.cluster();
});

test("without a majority it says so and begins nothing", async () => {
  const lab = await setUp(k3s(quick), three);
  fixture = lab;
  await lab.up();
  lab.world.machines.destroy("lab-b-master-1");
  lab.world.machines.destroy("lab-c-master-1");
  const nodes = [lab.nodes[0]!, await lab.addNode("lab-b-master-1"), await lab.addNode("lab-c-master-1")];
  const error = await errorOf(lab.up(nodes, { signal: AbortSignal.timeout(120_000) }));
  expect(error.message).toMatch(/no majority/);
  lab.cluster();
});

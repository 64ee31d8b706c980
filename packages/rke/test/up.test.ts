import { readdir, rm, stat, writeFile } from "node:fs/promises";
import type { EngineNode } from "@multicloud/core/plugin";
import { afterEach, expect, test } from "vitest";
import { parseRkeState } from "../src/state/rke-state.js";
import { setUp } from "./fixture.js";

let lab: Awaited<ReturnType<typeof setUp>>;
afterEach(() => lab.close());

const caOf = async () => parseRkeState(await lab.engineFile("cluster.rkestate"))?.caFingerprint;

test("makes a cluster of all nodes, and then changes nothing", async () => {
  lab = await setUp();
  const first = await lab.engine.up(lab.context(), lab.nodes);
  expect(first.changed).toBe(true);
  expect(first.kubeconfig).toContain("https://203.0.113.1:6443");
  const effects = lab.world.effects.all.length;
  const writes = lab.remoteWrites.length;
  const second = await lab.engine.up(lab.context(), [...lab.nodes].reverse());
  expect(second).toEqual({ changed: false, kubeconfig: first.kubeconfig });
  expect(lab.world.effects.all.length).toBe(effects);
  expect(lab.remoteWrites.length).toBe(writes);
});

test("keeps the state private, here and on every node", async () => {
  lab = await setUp();
  await lab.engine.up(lab.context(), lab.nodes);
  for (const name of await readdir(lab.enginePath(""))) {
    expect((await stat(lab.enginePath(name))).mode & 0o777, name).toBe(0o600);
  }
  const perNode = ["cluster.rkestate", "kube_config_cluster.yml", "applied.json"];
  expect(lab.remoteWrites.sort()).toEqual(
    lab.nodes
      .flatMap(() => perNode)
      .map((name) => `/opt/rke/${name} 0600 root:root`)
      .sort(),
  );
  expect(JSON.stringify(lab.reports)).not.toMatch(/PRIVATE KEY/);
});

test("reports RKE's lines with the node that they name", async () => {
  lab = await setUp();
  await lab.engine.up(lab.context(), lab.nodes);
  expect(lab.reports).toContainEqual({
    type: "log",
    level: "info",
    source: "rke",
    message: "[dialer] Setup tunnel for host [203.0.113.4]",
    stage: "dialer",
    node: "lab-a-worker-1",
  });
});

test("adds and removes nodes", async () => {
  lab = await setUp();
  await lab.engine.up(lab.context(), lab.nodes);
  const ca = await caOf();
  const added = lab.addNode("lab-c-worker-1");
  const nodes = [...lab.nodes.filter((node) => node.name !== "lab-a-worker-1"), added];
  lab.remoteWrites.length = 0;
  const { kubeconfig, changed } = await lab.engine.up(lab.context(), nodes);
  expect(changed).toBe(true);
  // The kubeconfig is as before, so only the new node gets one.
  expect(lab.remoteWrites.filter((write) => write.includes("kube_config"))).toHaveLength(1);
  const api = await lab.context().kubernetes(kubeconfig);
  expect((await api.nodes()).map((node) => node.name).sort()).toEqual(nodes.map((node) => node.name).sort());
  expect(await caOf()).toBe(ca);
  expect(lab.machines.get("lab-a-worker-1")?.disk.has("/etc/kubernetes/ssl/kube-ca.pem")).toBe(false);
});

test("runs nothing when a node cannot be reached", async () => {
  lab = await setUp();
  lab.machines.get("lab-b-worker-1")?.powerOff();
  await expect(lab.engine.up(lab.context(), lab.nodes)).rejects.toMatchObject({
    code: "HOST_UNREACHABLE",
    node: "lab-b-worker-1",
  });
  expect(lab.world.effects.all).toEqual([]);
});

test("takes a node that RKE drops for a failure, though RKE exits 0", async () => {
  lab = await setUp();
  lab.machines.get("lab-b-worker-1")?.dockerGroup.clear();
  await expect(lab.engine.up(lab.context(), lab.nodes)).rejects.toMatchObject({
    code: "ENGINE_NODE_DROPPED",
    node: "lab-b-worker-1",
  });
  expect(lab.logs()).toContain("Finished building Kubernetes cluster successfully");
  expect(lab.reports.filter((report) => report.type === "retry")).toHaveLength(1);
  lab.machines.get("lab-b-worker-1")?.dockerGroup.add("debian");
  expect((await lab.engine.up(lab.context(), lab.nodes)).changed).toBe(true);
});

test("fails when the nodes cannot reach each other over the overlay", async () => {
  lab = await setUp();
  lab.world.network.leaveOverlay("lab-b-master-1", "zt");
  await expect(lab.engine.up(lab.context(), lab.nodes)).rejects.toMatchObject({
    code: "ENGINE_FAILED",
    message: expect.stringMatching(
      /Host \[lab-\S+\] is not able to connect to the following ports: \[lab-b-master-1:2379/,
    ),
    hint: expect.stringContaining("over the overlay"),
  });
});

test("fails when the overlay interface is missing on a node", async () => {
  lab = await setUp();
  lab.machines.get("lab-a-worker-1")?.interfaceNames.delete("ztabc");
  await expect(lab.engine.up(lab.context(), lab.nodes)).rejects.toThrow("not ready: lab-a-worker-1");
});

test("fetches a lost state back from a node, with the same authority and without a run", async () => {
  lab = await setUp();
  const { kubeconfig } = await lab.engine.up(lab.context(), lab.nodes);
  const ca = await caOf();
  const runs = lab.runs();
  const writes = lab.remoteWrites.length;
  await lab.loseState();
  expect(await lab.engine.up(lab.context(), lab.nodes)).toEqual({ kubeconfig, changed: false });
  expect(await caOf()).toBe(ca);
  expect(lab.runs()).toBe(runs);
  expect(lab.remoteWrites.length).toBe(writes);
});

test("asks the cluster for its state when no node has a copy", async () => {
  lab = await setUp();
  await lab.engine.up(lab.context(), lab.nodes);
  const ca = await caOf();
  await lab.loseState();
  for (const { disk } of lab.machines.values()) disk.delete("/opt/rke/cluster.rkestate");
  await lab.engine.up(lab.context(), lab.nodes);
  expect(await caOf()).toBe(ca);
  expect(lab.clusters.size).toBe(1);
});

test("refuses to make a new authority for a cluster whose state is nowhere", async () => {
  lab = await setUp();
  await lab.engine.up(lab.context(), lab.nodes);
  await lab.loseState();
  for (const { disk } of lab.machines.values()) {
    disk.delete("/opt/rke/cluster.rkestate");
    disk.set(
      "/etc/kubernetes/ssl/kube-ca.pem",
      "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n",
    );
  }
  await expect(lab.engine.up(lab.context(), lab.nodes)).rejects.toMatchObject({
    code: "ENGINE_STATE_MISSING",
  });
  expect(lab.clusters.size).toBe(1);
});

test("refuses the state of another cluster", async () => {
  lab = await setUp();
  await lab.engine.up(lab.context(), lab.nodes);
  const other = await setUp();
  await other.engine.up(other.context(), other.nodes);
  await writeFile(lab.enginePath("cluster.rkestate"), await other.engineFile("cluster.rkestate"));
  await rm(lab.enginePath("kube_config_cluster.yml"));
  await other.close();
  await expect(lab.engine.up(lab.context(), lab.nodes)).rejects.toMatchObject({
    code: "ENGINE_STATE_MISSING",
    message: expect.stringContaining("another certificate authority"),
  });
  expect(lab.clusters.size).toBe(1);
});

test("takes the newer state of a colleague", async () => {
  lab = await setUp();
  await lab.engine.up(lab.context(), lab.nodes.slice(0, 4));
  const mine = await lab.engineFile("cluster.rkestate");
  await lab.loseState();
  await lab.engine.up(lab.context(), lab.nodes);
  const theirs = await lab.engineFile("cluster.rkestate");
  await writeFile(lab.enginePath("cluster.rkestate"), mine);
  await writeFile(
    lab.enginePath("applied.json"),
    JSON.stringify({ digest: "mine", at: "2020-01-01T00:00:00Z" }),
  );
  const runs = lab.runs();
  expect((await lab.engine.up(lab.context(), lab.nodes)).changed).toBe(false);
  expect(await lab.engineFile("cluster.rkestate")).toBe(theirs);
  expect(lab.runs()).toBe(runs);
});

test("goes through a bastion when the sites have a jump host", async () => {
  lab = await setUp();
  const gateway = lab.addNode("lab-gateway");
  const jump = [{ host: gateway.address, user: "debian", hostKey: "ssh-ed25519 AAAA" }];
  const nodes: EngineNode[] = lab.nodes.map((node) => (node.site === "a" ? { ...node, jump } : node));
  await lab.engine.up(lab.context(), nodes);
  expect(await lab.engineFile("cluster.yml")).toContain(`bastion_host:\n  address: "${gateway.address}"`);
  // Without the bastion no node can be reached, as it is the only way that RKE takes.
  lab.machines.get("lab-gateway")?.powerOff();
  const fewer = nodes.slice(0, 4);
  await expect(lab.engine.up(lab.context(), fewer)).rejects.toMatchObject({ code: "ENGINE_NODE_DROPPED" });
});

test("resets the nodes and forgets the cluster", async () => {
  lab = await setUp();
  await lab.engine.up(lab.context(), lab.nodes);
  await lab.engine.reset(lab.context(), lab.nodes);
  expect(await readdir(lab.enginePath(""))).toEqual([]);
  for (const { disk } of lab.machines.values()) {
    expect([...disk.keys()].filter((path) => /^\/(opt\/rke|etc\/kubernetes)/.test(path))).toEqual([]);
  }
  await lab.engine.reset(lab.context(), lab.nodes);
  await lab.engine.up(lab.context(), lab.nodes);
  expect(lab.clusters.size).toBe(2);
});

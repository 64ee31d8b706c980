import { afterEach, expect, test } from "vitest";
import { k3s, rke2 } from "../../src/index.js";
import { type Fixture, quick, setUp } from "./fixture.js";

let fixture: Fixture | undefined;
afterEach(async () => {
  await fixture?.close();
  fixture = undefined;
});

/** A unit that ended by itself is `failed` until it is started again; one that was stopped stays as it is for good. */
function expectStopped(lab: Fixture, unit: string, ...names: readonly string[]): void {
  for (const name of names) expect(lab.machine(name).unitState(unit), name).toBe("inactive");
}

for (const engine of [k3s(quick), rke2(quick)]) {
  test(`${engine.name}: masters move from one machine to another, and the old one does not come back`, async () => {
    const lab = await setUp(engine, ["lab-a-master-1", "lab-a-worker-1"]);
    fixture = lab;
    await lab.up();
    const { caHash } = lab.cluster();
    const [old, worker] = lab.nodes;
    const next = await lab.addNode("lab-b-master-1");
    const wanted = [next, worker!];
    await lab.up(wanted, { leaving: async () => [old!] });
    expectStopped(lab, engine.name === "k3s" ? "k3s" : "rke2-server", "lab-a-master-1");
    expect(lab.cluster().caHash).toBe(caHash);
    expect([...lab.cluster().members.keys()]).toEqual(["lab-b-master-1"]);
    expect(lab.nodeNames()).toEqual(["lab-a-worker-1", "lab-b-master-1"]);
    lab.world.machines.destroy("lab-a-master-1");
    const effects = lab.world.effects.all.length;
    expect((await lab.up(wanted)).changed).toBe(false);
    expect(lab.effectsSince(effects)).toEqual([]);
  });
}

test("with the state lost, new masters find the one that leaves by what the worker knows", async () => {
  const lab = await setUp(k3s(quick), ["lab-a-master-1", "lab-a-worker-1"]);
  fixture = lab;
  await lab.up();
  const [old, worker] = lab.nodes;
  await lab.loseState();
  const next = await lab.addNode("lab-b-master-1");
  await lab.up([next, worker!], { leaving: async () => [old!] });
  expectStopped(lab, "k3s", "lab-a-master-1");
  expect([...lab.cluster().members.keys()]).toEqual(["lab-b-master-1"]);
});

test("who leaves takes its Node, its password and its place in etcd along; workers first", async () => {
  const names = ["lab-a-master-1", "lab-b-master-1", "lab-c-master-1", "lab-a-worker-1", "lab-b-worker-1"];
  const lab = await setUp(k3s(quick), names);
  fixture = lab;
  await lab.up();
  const leaving = [lab.node("lab-c-master-1"), lab.node("lab-b-master-1"), lab.node("lab-b-worker-1")];
  const staying = [lab.node("lab-a-master-1"), lab.node("lab-a-worker-1")];
  const effects = lab.world.effects.all.length;
  await lab.up(staying, { leaving: async () => leaving });
  expectStopped(lab, "k3s", "lab-b-master-1", "lab-c-master-1");
  expectStopped(lab, "k3s-agent", "lab-b-worker-1");
  expect(lab.nodeNames()).toEqual(["lab-a-master-1", "lab-a-worker-1"]);
  expect([...lab.cluster().members.keys()]).toEqual(["lab-a-master-1"]);
  const secrets = lab
    .cluster()
    .kubernetes.objects("Secret")
    .map(({ metadata }) => metadata.name);
  expect(secrets.sort()).toEqual(["lab-a-master-1.node-password.k3s", "lab-a-worker-1.node-password.k3s"]);
  const gone = lab.effectsSince(effects).filter((line) => /kubernetes \S+ delete lab-/.test(line));
  expect(gone[0] ?? lab.effectsSince(effects).join("\n")).toContain("lab-b-worker-1");
});

test("a dead node that nobody wants is taken out before anything else is done", async () => {
  const names = ["lab-a-master-1", "lab-b-master-1", "lab-c-master-1"];
  const lab = await setUp(k3s(quick), names);
  fixture = lab;
  await lab.up();
  lab.world.machines.destroy("lab-b-master-1");
  await expect
    .poll(() => JSON.stringify(lab.cluster().kubernetes.object("v1", "Node", "lab-b-master-1")))
    .toContain("KubeletNotReady");
  const staying = [lab.node("lab-a-master-1"), lab.node("lab-c-master-1")];
  await lab.up(staying);
  expect([...lab.cluster().members.keys()].sort()).toEqual(["lab-a-master-1", "lab-c-master-1"]);
});

test("a node that somebody else added stays", async () => {
  const lab = await setUp(k3s(quick), ["lab-a-master-1"]);
  fixture = lab;
  await lab.up();
  lab.cluster().kubernetes.registerNode({
    name: "somebody-elses",
    labels: {},
    internalIP: "10.144.0.99",
    version: "v1.35.6+k3s1",
    ready: false,
    roles: [],
  });
  expect((await lab.up()).changed).toBe(false);
  expect(lab.nodeNames()).toContain("somebody-elses");
});

import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  authorizedMembers,
  type Changes,
  errorOf,
  expectInOrder,
  kubernetesOf,
  type Lab,
  machineNames,
  openLab,
} from "./lab.js";

const machineIds = (lab: Lab) =>
  new Map(lab.world.machines.all().map(({ spec }) => [spec.hostname, spec.id]));

// One cluster is changed from test to test.
describe("a cluster of one master and some workers", () => {
  const shape = { ramnode: [1, 1], digitalocean: [0, 1] } as const;
  let lab: Lab;
  beforeAll(async () => {
    lab = await openLab();
    await lab.cluster(shape).up();
  });
  afterAll(() => lab.close());

  test("what makes a machine another one is planned as a replacement, with the fields", async () => {
    const effects = lab.effects.all.length;
    const plan = async (changes: Changes) => {
      const { actions } = await lab.cluster(shape, changes).plan();
      const changed = actions.filter(({ action }) => action !== "keep");
      return changed.map(({ node, action, changes: fields }) => [node, action, fields]);
    };
    const droplet = "lab-digitalocean-worker-1";
    const server = "lab-ramnode-worker-1";
    expect(await plan({ workers: { digitalocean: { size: "s-2vcpu-4gb" } } })).toEqual([
      [droplet, "replace", [{ field: "size", from: "s-1vcpu-2gb", to: "s-2vcpu-4gb" }]],
    ]);
    expect(await plan({ workers: { digitalocean: { image: "ubuntu-24-04-x64" } } })).toEqual([
      [droplet, "replace", [{ field: "image", from: "debian-12-x64", to: "ubuntu-24-04-x64" }]],
    ]);
    expect(await plan({ workers: { ramnode: { boot: { packages: ["vim"] } } } })).toEqual([
      [server, "replace", [{ field: "boot" }]],
    ]);
    expect(await plan({ workers: { ramnode: { disk: { sizeGiB: 50 } } } })).toEqual([
      [server, "replace", [{ field: "disk" }]],
    ]);
    // Labels are the cluster's, not the machine's.
    expect(await plan({ workers: { ramnode: { labels: { disk: "fast" } } } })).toEqual([]);
    expect(lab.effectsSince(effects)).toEqual([]);
  });

  test("the only master is not replaced: that would be the end of the cluster's data", async () => {
    const effects = lab.effects.all.length;
    const error = await errorOf(lab.cluster(shape, { masters: { ramnode: { size: "g1.medium" } } }).up());
    expect(error.code).toBe("CONFIG_INVALID");
    expect(error.message).toContain("lab-ramnode-master-1 is the only master");
    const moved = await errorOf(lab.cluster({ digitalocean: [1, 1], ramnode: [0, 1] }).up());
    expect(moved.message).toContain("lab-ramnode-master-1 is the only master");
    expect(lab.effectsSince(effects)).toEqual([]);
  });

  test("a changed label reaches the node without a new machine", async () => {
    const before = machineIds(lab);
    const changed = lab.cluster(shape, { workers: { ramnode: { labels: { disk: "fast" } } } });
    await changed.up();
    expect(machineIds(lab)).toEqual(before);
    const nodes = await kubernetesOf(lab, (api) => api.nodes());
    const labels = Object.fromEntries(nodes.map((node) => [node.name, node.labels.disk]));
    expect(labels).toEqual({
      "lab-ramnode-master-1": undefined,
      "lab-ramnode-worker-1": "fast",
      "lab-digitalocean-worker-1": undefined,
    });
    const effects = lab.effects.all.length;
    await changed.up();
    expect(lab.effectsSince(effects)).toEqual([]);
    await lab.cluster(shape).up();
  });

  test("a worker more, a worker less: the others are not touched", async () => {
    const before = machineIds(lab);
    const effects = lab.effects.all.length;
    // Without its site nobody could delete the machine, so the site is emptied first.
    for (const verb of ["up", "destroy"] as const) {
      const error = await errorOf(lab.cluster({ ramnode: [1, 2] })[verb]());
      expect(error.code).toBe("CONFIG_INVALID");
      expect(error.message).toContain("lab-digitalocean-worker-1");
    }
    expect(lab.effectsSince(effects)).toEqual([]);
    const cluster = lab.cluster({ ramnode: [1, 2], digitalocean: [0, 0] });
    const { plan, nodes } = await cluster.up();
    expect(plan.counts).toEqual({ create: 1, replace: 0, delete: 1, keep: 2 });
    const wanted = ["lab-ramnode-master-1", "lab-ramnode-worker-1", "lab-ramnode-worker-2"];
    expect(nodes.map(({ name, ready }) => [name, ready])).toEqual(wanted.map((name) => [name, true]));
    expect(machineNames(lab)).toEqual(wanted);
    expect(authorizedMembers(lab)).toEqual(wanted);
    expect((await kubernetesOf(lab, (api) => api.nodes())).map(({ name }) => name).sort()).toEqual(wanted);
    for (const name of wanted.slice(0, 2)) expect(machineIds(lab).get(name)).toBe(before.get(name));

    const done = lab.effectsSince(effects);
    const gone = "lab-digitalocean-worker-1";
    expectInOrder(done, [
      `kubernetes object update Node ${gone}`,
      `rke node delete ${gone}`,
      `digitalocean droplet delete ${gone}`,
      `zerotier member delete ${gone}`,
    ]);
    // Those that stay are told of nothing but the new engine state.
    const others = done.filter((effect) => /lab-ramnode-(worker|master)-1/.test(effect));
    expect(others.filter((effect) => !/\/opt\/rke\/(cluster\.rkestate|applied\.json)$/.test(effect))).toEqual(
      [],
    );
    // The site's key and firewall went with its last machine, so that it can be taken out.
    expect(lab.resources().filter((resource) => resource.startsWith("digitalocean"))).toEqual([]);
    const after = lab.effects.all.length;
    await cluster.up();
    await lab.cluster({ ramnode: [1, 2] }).up();
    expect(lab.effectsSince(after)).toEqual([]);
  });

  test("changed workers are replaced one after the other, each drained before it goes", async () => {
    const before = machineIds(lab);
    const effects = lab.effects.all.length;
    const changed = lab.cluster({ ramnode: [1, 2] }, { workers: { ramnode: { size: "g1.medium" } } });
    const { plan, nodes } = await changed.up();
    expect(plan.counts).toEqual({ create: 0, replace: 2, delete: 0, keep: 1 });
    expect(nodes.map(({ ready }) => ready)).toEqual([true, true, true]);
    for (const name of machineNames(lab))
      expect(machineIds(lab).get(name) === before.get(name), name).toBe(name === "lab-ramnode-master-1");
    const done = lab.effectsSince(effects);
    const [first, second] = ["lab-ramnode-worker-1", "lab-ramnode-worker-2"];
    for (const node of [first, second]) {
      expectInOrder(done, [
        `kubernetes object update Node ${node}`,
        `rke node delete ${node}`,
        `ramnode/nova server delete ${node}`,
        `ramnode/nova server create ${node}`,
        `docker container create ${node}/kubelet`,
      ]);
    }
    expectInOrder(done, [
      `docker container create ${first}/kubelet`,
      `kubernetes object update Node ${second}`,
    ]);
    expect(authorizedMembers(lab)).toEqual(machineNames(lab));

    const after = lab.effects.all.length;
    await changed.up();
    expect(lab.effectsSince(after)).toEqual([]);
  });
});

describe("three masters in three sites", () => {
  const shape = { home: [1, 0], ramnode: [1, 0], digitalocean: [1, 0] } as const;
  let lab: Lab;
  afterEach(() => lab.close());

  test("are replaced one at a time: etcd never has fewer than two", async () => {
    lab = await openLab();
    await lab.cluster(shape).up();
    const running = new Set(machineNames(lab));
    let fewest = running.size;
    lab.effects.listen(({ kind, action, name }) => {
      const [node = "", container] = name.split("/");
      if (kind !== "container" || container !== "etcd") return;
      if (action === "delete") running.delete(node);
      else running.add(node);
      fewest = Math.min(fewest, running.size);
    });
    const effects = lab.effects.all.length;
    const changed = lab.cluster(shape, { pool: { boot: { packages: ["vim"] } } });
    const { plan, nodes } = await changed.up();
    expect(plan.counts.replace).toBe(3);
    expect(nodes.map(({ ready }) => ready)).toEqual([true, true, true]);
    expect(fewest).toBe(2);
    expect(running.size).toBe(3);
    const machines = lab.effectsSince(effects).filter((effect) => / (server|droplet) /.test(effect));
    expect(machines).toEqual(
      ["home/nova server", "ramnode/nova server", "digitalocean droplet"].flatMap((kind) => {
        const name = `lab-${kind.split(/[/ ]/)[0]}-master-1`;
        return [`${kind} delete ${name}`, `${kind} create ${name}`];
      }),
    );
    expect((await changed.plan()).unchanged).toBe(true);
  });
});

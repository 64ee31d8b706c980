import { afterEach, beforeEach, expect, test } from "vitest";
import { type Changes, type Lab, openLab } from "../../../../tests/stories/lab.js";
import { k3s } from "../../src/index.js";

let lab: Lab;
beforeEach(async () => {
  lab = await openLab();
});
afterEach(() => lab.close());

const withK3s = { engine: k3s({ attempts: 3, retryDelayMs: 10 }) } as Changes;
const shape = { home: [1, 1], ramnode: [1, 1], digitalocean: [1, 0] } as const;

test("three masters and two workers in three sites, once; nothing is left after destroy", async () => {
  const cluster = lab.cluster(shape, withK3s);
  const up = await cluster.up();
  expect(up.nodes.map(({ name, roles, ready }) => [name, roles.join(), ready])).toEqual([
    ["lab-home-master-1", "control-plane,etcd", true],
    ["lab-home-worker-1", "", true],
    ["lab-ramnode-master-1", "control-plane,etcd", true],
    ["lab-ramnode-worker-1", "", true],
    ["lab-digitalocean-master-1", "control-plane,etcd", true],
  ]);
  expect(lab.services.distributions.clusters()).toHaveLength(1);
  const effects = lab.effects.all.length;
  await cluster.up();
  expect(lab.effectsSince(effects)).toEqual([]);
  await cluster.destroy();
  expect(lab.resources()).toEqual([]);
});

test("other masters and fewer workers: replaced one at a time, and the cluster stays the same", {
  timeout: 120_000,
}, async () => {
  const three = { home: [1, 1], ramnode: [1, 1], digitalocean: [1, 0] } as const;
  await lab.cluster(three, withK3s).up();
  const [made] = lab.services.distributions.clusters();
  const larger = {
    ...withK3s,
    masters: { ramnode: { size: "g1.medium" }, digitalocean: { size: "s-2vcpu-4gb" } },
  };
  const cluster = lab.cluster({ ...three, ramnode: [1, 0] }, larger);
  const up = await cluster.up();
  expect(up.nodes.map(({ name, ready, schedulable }) => [name, ready && schedulable])).toEqual([
    ["lab-home-master-1", true],
    ["lab-home-worker-1", true],
    ["lab-ramnode-master-1", true],
    ["lab-digitalocean-master-1", true],
  ]);
  expect(lab.services.distributions.clusters()).toEqual([made]);
  expect([...made!.members.keys()].sort()).toEqual([
    "lab-digitalocean-master-1",
    "lab-home-master-1",
    "lab-ramnode-master-1",
  ]);
  const effects = lab.effects.all.length;
  await cluster.up();
  expect(lab.effectsSince(effects)).toEqual([]);
});

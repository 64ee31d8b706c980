import { afterEach, beforeEach, expect, test } from "vitest";
import { type Changes, type Lab, openLab } from "../../../../tests/stories/lab.js";
import { rke2 } from "../../src/index.js";

let lab: Lab;
beforeEach(async () => {
  lab = await openLab();
});
afterEach(() => lab.close());

const withRke2 = { engine: rke2({ attempts: 3, retryDelayMs: 10 }) } as Changes;

test("three masters and a worker, once; nothing is left after destroy", async () => {
  const shape = { home: [1, 0], ramnode: [1, 1], digitalocean: [1, 0] } as const;
  const cluster = lab.cluster(shape, withRke2);
  const up = await cluster.up();
  expect(up.nodes.every(({ ready, version }) => ready && version === "v1.35.7+rke2r1")).toBe(true);
  const [made, ...others] = lab.services.distributions.clusters();
  expect(others).toEqual([]);
  expect([...made!.members.keys()].sort()).toEqual([
    "lab-digitalocean-master-1",
    "lab-home-master-1",
    "lab-ramnode-master-1",
  ]);
  // The CNI cannot be told later.
  expect(made!.cniInterface).toMatch(/^zt/);
  const effects = lab.effects.all.length;
  await cluster.up();
  expect(lab.effectsSince(effects)).toEqual([]);
  await cluster.destroy();
  expect(lab.resources()).toEqual([]);
});

test.each([
  ["v1.35.7+rke2r1", {}, ["nginx"]],
  ["v1.36.3+rke2r1", {}, ["traefik"]],
  ["v1.35.7+rke2r1", { "ingress-controller": ["traefik"] }, ["traefik"]],
  ["v1.36.3+rke2r1", { "ingress-controller": ["none"] }, []],
])("%s with %j brings the Ingress classes %j", async (version, server, classes) => {
  const engine = rke2({ version, server, attempts: 3, retryDelayMs: 10 });
  await lab.cluster({ ramnode: [1, 1] }, { engine } as Changes).up();
  const [made] = lab.services.distributions.clusters();
  expect(made!.kubernetes.objects("IngressClass").map(({ metadata }) => metadata.name)).toEqual(classes);
  expect(engine.facts).toEqual({ kubernetes: version.slice(1, version.indexOf("+")), ingress: classes });
});

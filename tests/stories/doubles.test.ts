import type { Provider } from "@multicloud/core/plugin";
import { digitalocean } from "@multicloud/provider-digitalocean";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Lab, openLab } from "./lab.js";

// A process is killed while a cloud still works on its request: the machine comes into being late, beside the
// one that the next run has asked for.
const shape = { ramnode: [1, 0], digitalocean: [0, 1] } as const;
const worker = "lab-digitalocean-worker-1";

let lab: Lab;
beforeEach(async () => {
  lab = await openLab();
});
afterEach(() => lab.close());

const workers = () =>
  lab.services.digitalocean
    .list()
    .droplets.filter(({ name, deleting }) => name === worker && !deleting)
    .map(({ id }) => id);

/** Sends the request for the worker once more. */
async function makeDouble(): Promise<void> {
  const droplet = lab.services.digitalocean.list().droplets.find(({ name }) => name === worker)!;
  const { status } = await fetch(`${lab.env.DIGITALOCEAN_API_URL}/v2/droplets`, {
    method: "POST",
    headers: { authorization: `Bearer ${lab.env.DIGITALOCEAN_TOKEN}`, "content-type": "application/json" },
    body: JSON.stringify({
      name: worker,
      region: droplet.region.slug,
      size: droplet.size.slug,
      image: droplet.image.slug,
      tags: [...droplet.tags],
      ssh_keys: droplet.keys.map(({ fingerprint }) => fingerprint),
      user_data: droplet.userData,
    }),
  });
  expect(status).toBe(202);
}

/** Lists the newest machines first, as some clouds do. */
function newestFirst(): Provider {
  const provider = digitalocean({
    token: lab.env.DIGITALOCEAN_TOKEN!,
    baseURL: lab.env.DIGITALOCEAN_API_URL!,
    region: "fra1",
    requestsPerMinute: 100_000,
  });
  return { ...provider, list: async (context) => [...(await provider.list(context))].reverse() };
}

test("a double that comes while the cluster is made is gone when it is up", async () => {
  let ids: readonly number[] = [];
  const stop = lab.effects.listen(async ({ service, name }) => {
    if (service !== "zerotier" || name !== worker) return;
    stop();
    await makeDouble();
    ids = workers();
  });
  await lab.cluster(shape).up();
  expect(ids).toHaveLength(2);
  expect(workers()).toEqual([ids[0]]);
});

test("of a double that comes later, the machine that is in the cluster is kept", async () => {
  await lab.cluster(shape).up();
  await makeDouble();
  const ids = workers();
  expect(ids).toHaveLength(2);
  const cluster = lab.cluster(shape, { site: { digitalocean: { provider: newestFirst() } } });
  const { plan, nodes } = await cluster.up();
  expect(plan.counts).toEqual({ create: 0, replace: 0, delete: 0, keep: 2 });
  expect(nodes.map(({ ready }) => ready)).toEqual([true, true]);
  expect(workers()).toEqual([ids[0]]);
});

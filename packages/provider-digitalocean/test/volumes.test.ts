import { expect, test } from "vitest";
import { names, publicKey, request, setUp, shared, siteContext, until } from "./fixture.js";

const context = siteContext();
const key = publicKey();
const volume = { sizeGiB: 100, filesystem: "ext4" };
const stored = names("worker", 2).map((name) => request(name, { providerOptions: { volume } }));

interface WireVolumes {
  readonly volumes: readonly { readonly id: string; readonly name: string; readonly droplet_ids: number[] }[];
}

async function upWithVolumes() {
  const environment = await setUp();
  const ocean = environment.provider();
  await ocean.ensureShared(context, shared(key));
  await ocean.create(context, stored);
  const volumes = async () => (await environment.api<WireVolumes>("GET", "/v2/volumes")).data.volumes;
  return { ...environment, ocean, volumes };
}

/** A volume's name without its digest. */
const machineOf = (name: string) => name.replace(/-[0-9a-f]{10}$/, "");

test("a pool that asks for volumes gets one on each machine, and repeating writes nothing", async () => {
  const { cloud, ocean, provider, writes, volumes } = await upWithVolumes();
  const droplets = new Map(cloud.list().droplets.map(({ name, id }) => [name, id]));
  expect((await volumes()).map(({ name, droplet_ids }) => [machineOf(name), droplet_ids]).sort()).toEqual(
    names("worker", 2).map((name) => [name, [droplets.get(name)]]),
  );
  const before = writes().length;
  await provider().ensureShared(context, shared(key));
  await provider().create(context, stored);
  expect(writes().slice(before)).toEqual([]);
  expect((await ocean.list(context)).map(({ name }) => name).sort()).toEqual(names("worker", 2));
  await cloud.close();
});

test("the volume goes with its machine, and the other stays", async () => {
  const { cloud, ocean, world } = await upWithVolumes();
  await until(() => world.booted.size === 2);
  const [first, second] = await ocean.list(context);
  await ocean.delete(context, [first!]);
  expect(cloud.list().volumes.map(machineOf)).toEqual([second!.name]);
  await ocean.delete(context, await ocean.list(context));
  await ocean.deleteShared(context);
  expect(Object.values(cloud.list()).flat()).toEqual([]);
  await cloud.close();
});

test("the volume of a droplet that somebody deleted goes with the next run; a new machine gets a new one", async () => {
  const { cloud, ocean, api, provider, volumes, world } = await upWithVolumes();
  await until(() => world.booted.size === 2);
  const old = (await volumes()).map(({ id }) => id);
  const [first, second] = await ocean.list(context);
  for (const { id } of [first!, second!]) await api("DELETE", `/v2/droplets/${id}`);
  await until(() => cloud.list().droplets.length === 0);
  // One is found by name, the other by its tag.
  await provider().create(context, [stored[0]!]);
  await provider().ensureShared(context, shared(key));
  expect(cloud.list().volumes.map(machineOf)).toEqual(["lab-ocean-worker-1"]);
  expect(old).not.toContain((await volumes())[0]!.id);
  await cloud.close();
});

test("a volume of that name that is somebody else's is a conflict, and is left alone", async () => {
  const { cloud, provider, api, ocean, volumes, world } = await upWithVolumes();
  await until(() => world.booted.size === 2);
  const { name } = (await volumes()).find((one) => machineOf(one.name) === "lab-ocean-worker-1")!;
  await ocean.delete(context, await ocean.list(context));
  await api("POST", "/v2/volumes", { name, region: "fra1", size_gigabytes: 1 });
  await expect(provider().create(context, stored)).rejects.toMatchObject({
    code: "CONFLICT",
    node: "lab-ocean-worker-1",
  });
  await until(() => cloud.list().droplets.every(({ status }) => status === "active"));
  await provider().delete(context, await provider().list(context));
  await provider().deleteShared(context);
  expect(cloud.list()).toMatchObject({ droplets: [], volumes: [name], tags: [] });
  await cloud.close();
});

for (const reset of ["before", "after"] as const) {
  for (const path of [/volumes$/, /droplets$/]) {
    test(`a POST to ${path.source} for a machine with a volume that is cut off ${reset} it took effect doubles nothing`, async () => {
      const { world, cloud, provider } = await setUp();
      world.faults.add({ method: "POST", path, reset });
      await provider().ensureShared(context, shared(key));
      await provider().create(context, stored);
      expect(cloud.list().droplets).toHaveLength(2);
      expect(cloud.list().volumes.map(machineOf).sort()).toEqual(names("worker", 2));
      await cloud.close();
    });
  }
}

test("its price is in the plan, and its options are checked before the first effect", async () => {
  const { cloud, provider } = await setUp();
  const check = async (options: Record<string, unknown>) =>
    provider().check(context, {
      machines: [request("lab-ocean-worker-1", { providerOptions: options })],
      toCreate: [],
    });
  expect(await check({ volume })).toEqual({ problems: [], warnings: [], monthlyPriceUsd: 34 });
  const { problems } = await check({ volume: { sizeGB: 5, filesystem: "ext5" } });
  expect(problems).toMatchObject([
    { path: "workers.providerOptions.volume.sizeGB", suggestion: "sizeGiB" },
    { path: "workers.providerOptions.volume.sizeGiB", allowed: ["1 to 16384"] },
    { path: "workers.providerOptions.volume.filesystem", given: "ext5", suggestion: "ext4" },
  ]);
  expect((await check({ volume: 5 })).problems).toMatchObject([{ path: "workers.providerOptions.volume" }]);
  await cloud.close();
});

test("a machine's name that is too long for a volume is cut, and the volume is found again by it", async () => {
  const { cloud, provider, writes, world } = await setUp();
  const long = request(`lab-${"o".repeat(60)}-worker-1`, { providerOptions: { volume } });
  const twin = request(`lab-${"o".repeat(60)}-worker-2`, { providerOptions: { volume } });
  await provider().ensureShared(context, shared(key));
  await provider().create(context, [long, twin]);
  expect(cloud.list().volumes.map((name) => name.length)).toEqual([64, 64]);
  await until(() => world.booted.size === 2);
  const before = writes().length;
  await provider().ensureShared(context, shared(key));
  expect(writes().length).toBe(before);
  await provider().delete(context, await provider().list(context));
  expect(cloud.list().volumes).toEqual([]);
  await cloud.close();
});

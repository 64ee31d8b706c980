import { expect, test } from "vitest";
import { names, publicKey, request, setUp, shared, siteContext, until } from "./fixture.js";

const context = siteContext();
const key = publicKey();
const addressed = names("worker", 2).map((name) => request(name, { providerOptions: { reservedIp: true } }));

async function upWithAddresses(options: Parameters<typeof setUp>[0] = {}) {
  const environment = await setUp(options);
  const ocean = environment.provider();
  await ocean.ensureShared(context, shared(key));
  await ocean.create(context, addressed);
  return { ...environment, ocean };
}

test("a pool that asks for reserved addresses gets one for each machine, and it is the machine's address", async () => {
  const { cloud, ocean, provider, writes } = await upWithAddresses();
  const machines = await ocean.list(context);
  expect(machines.map(({ status }) => status)).toEqual(["running", "running"]);
  expect(machines.map(({ publicAddress }) => publicAddress).sort()).toEqual(
    [...cloud.list().reservedIps].sort(),
  );
  for (const { privateAddress } of machines) expect(privateAddress).toMatch(/^10\.1\d\d\./);
  const before = writes().length;
  await provider().ensureShared(context, shared(key));
  await provider().create(context, addressed);
  expect(writes().slice(before)).toEqual([]);
  await cloud.close();
});

test("the address goes with its machine, and the other stays", async () => {
  const { cloud, ocean } = await upWithAddresses();
  const [first, second] = await ocean.list(context);
  await ocean.delete(context, [first!]);
  expect(cloud.list().reservedIps).toEqual([second!.publicAddress]);
  expect(cloud.list().tags.filter((tag) => tag.includes(":ip:"))).toHaveLength(1);
  await cloud.close();
});

test("the address of a droplet that somebody deleted is given up by the next run", async () => {
  const { cloud, ocean, api, provider } = await upWithAddresses();
  const [first] = await ocean.list(context);
  await api("DELETE", `/v2/droplets/${first!.id}`);
  await until(() => cloud.list().droplets.length === 1);
  expect(cloud.list().reservedIps).toHaveLength(2);
  await provider().ensureShared(context, shared(key));
  expect(cloud.list().reservedIps).not.toContain(first!.publicAddress);
  await provider().create(context, addressed);
  expect(cloud.list()).toMatchObject({ droplets: { length: 2 }, reservedIps: { length: 2 } });
  await cloud.close();
});

test("an address that somebody took over for a droplet of his own is left to him", async () => {
  const { cloud, ocean, api, world } = await upWithAddresses();
  const { data } = await api<{ droplet: { id: number } }>("POST", "/v2/droplets", {
    name: "mine",
    region: "fra1",
    size: "s-1vcpu-1gb",
    image: "debian-12-x64",
  });
  await until(() => world.booted.size === 3);
  const [first] = await ocean.list(context);
  const ip = first!.publicAddress!;
  const path = `/v2/reserved_ips/${ip}`;
  const idle = async () => {
    const locked = async () =>
      (await api<{ reserved_ip: { locked: boolean } }>("GET", path)).data.reserved_ip.locked;
    while (await locked());
  };
  await api("POST", `${path}/actions`, { type: "unassign" });
  await idle();
  await api("POST", `${path}/actions`, { type: "assign", droplet_id: data.droplet.id });
  await idle();
  expect((await ocean.list(context)).map(({ status }) => status)).toEqual(["creating", "running"]);
  await ocean.delete(context, await ocean.list(context));
  await ocean.deleteShared(context);
  expect(cloud.list()).toMatchObject({ reservedIps: [ip], droplets: [{ name: "mine" }], tags: [] });
  await cloud.close();
});

test("an address that a person put on a machine which asked for none is never given up", async () => {
  const { cloud, provider, api, world } = await setUp();
  const ocean = provider();
  await ocean.ensureShared(context, shared(key));
  await ocean.create(context, [request("lab-ocean-worker-1")]);
  await until(() => world.booted.size === 1);
  const [machine] = await ocean.list(context);
  await api("POST", "/v2/reserved_ips", { droplet_id: Number(machine!.id) });
  await ocean.delete(context, await ocean.list(context));
  await ocean.deleteShared(context);
  expect(cloud.list()).toMatchObject({ droplets: [], tags: [], reservedIps: { length: 1 } });
  await cloud.close();
});

test("room for addresses is checked before the first effect, and a limit that is hit later is told as one", async () => {
  const { cloud, provider, api, writes } = await setUp({ cloud: { reservedIpLimit: 2 } });
  await api("POST", "/v2/reserved_ips", { region: "fra1" });
  const before = writes().length;
  const { problems } = await provider().check(context, {
    machines: addressed,
    toCreate: addressed.map(({ name }) => name),
  });
  expect(problems).toMatchObject([
    {
      path: "workers.providerOptions.reservedIp",
      message: "the account has room for 1 of 2 new reserved addresses: 1 of 2 exist",
    },
  ]);
  expect((await provider().check(context, { machines: addressed, toCreate: [] })).problems).toEqual([]);
  expect(writes().length).toBe(before);
  await provider().ensureShared(context, shared(key));
  await expect(provider().create(context, addressed)).rejects.toMatchObject({ code: "QUOTA_EXCEEDED" });
  await cloud.close();
});

for (const reset of ["before", "after"] as const) {
  test(`a request for an address that is cut off ${reset} it took effect doubles nothing`, async () => {
    const { world, cloud, provider } = await setUp();
    world.faults.add({ method: "POST", path: /reserved_ips$/, reset });
    await provider().ensureShared(context, shared(key));
    await provider().create(context, addressed);
    expect(cloud.list().reservedIps).toHaveLength(2);
    await cloud.close();
  });
}

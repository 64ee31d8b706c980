import type { MachineShape } from "@multicloud/core/plugin";
import { expect, test } from "vitest";
import { setUp, siteContext } from "./fixture.js";

const context = siteContext();
const machine = (more: Partial<MachineShape> = {}): MachineShape => ({
  name: "lab-ocean-worker-1",
  role: "worker",
  size: "s-2vcpu-4gb",
  image: "debian-12-x64",
  ...more,
});

test("a right site has no problem, a price, and costs only reads", async () => {
  const { cloud, provider, writes } = await setUp();
  const machines = [machine(), machine({ name: "lab-ocean-master-1", role: "master", size: "s-4vcpu-8gb" })];
  const result = await provider().check(context, { machines, toCreate: machines.map(({ name }) => name) });
  expect(result).toEqual({ problems: [], warnings: [], monthlyPriceUsd: 72 });
  expect(writes()).toEqual([]);
  expect((await provider({ backups: true }).check(context, { machines, toCreate: [] })).monthlyPriceUsd).toBe(
    86.4,
  );
  await cloud.close();
});

test("tells all that is wrong at once, with the nearest right value", async () => {
  const { cloud, provider } = await setUp();
  const { problems } = await provider({ region: "fra2", vpc: "default-fra1" }).check(context, {
    machines: [
      machine({
        size: "s-2vcpu-4g",
        image: "debian-12",
        disk: { sizeGiB: 50 },
        providerOptions: { hdd: true },
      }),
      machine({ role: "master", name: "lab-ocean-master-1", image: "ubuntu-24-04-x46" }),
    ],
    toCreate: [],
  });
  const byPath = Object.fromEntries(problems.map((problem) => [problem.path, problem]));
  expect(Object.keys(byPath).sort()).toEqual([
    "masters.image",
    "provider.region",
    "provider.vpc",
    "workers.disk",
    "workers.image",
    "workers.providerOptions.hdd",
    "workers.size",
  ]);
  expect(byPath["provider.region"]).toMatchObject({ given: "fra2", suggestion: "fra1" });
  expect(byPath["workers.size"]).toMatchObject({ given: "s-2vcpu-4g", suggestion: "s-2vcpu-4gb" });
  expect(byPath["workers.image"]).toMatchObject({ suggestion: "debian-12-x64" });
  expect(byPath["masters.image"]).toMatchObject({ suggestion: "ubuntu-24-04-x64" });
  await cloud.close();
});

test("a size that exists elsewhere is no size here", async () => {
  const { cloud, provider } = await setUp();
  const request = { machines: [machine({ size: "s-1vcpu-512mb-10gb" })], toCreate: [] };
  expect((await provider().check(context, request)).problems).toEqual([]);
  const { problems } = await provider({ region: "lon1" }).check(context, request);
  expect(problems).toMatchObject([{ path: "workers.size", message: "this size is not available in lon1" }]);
  await cloud.close();
});

test("a droplet limit without room is a problem only for machines that are still to be made", async () => {
  const { cloud, provider, api } = await setUp({ cloud: { dropletLimit: 3 } });
  await api("POST", "/v2/droplets", { names: ["a", "b"], size: "s-1vcpu-1gb", image: "debian-12-x64" });
  const machines = [machine({ name: "m-1" }), machine({ name: "m-2" })];
  const full = await provider().check(context, { machines, toCreate: ["m-1", "m-2"] });
  expect(full.problems).toMatchObject([
    { path: "provider", message: expect.stringContaining("2 of 3 exist") },
  ]);
  expect((await provider().check(context, { machines, toCreate: ["m-1"] })).problems).toEqual([]);
  await cloud.close();
});

test("a VPC is named by name or id, has to be in the region, and is told with the nearest one", async () => {
  const { cloud, provider, api, writes } = await setUp();
  const { data } = await api<{ vpcs: { id: string; name: string }[] }>("GET", "/v2/vpcs?per_page=50");
  const id = (name: string) => data.vpcs.find((vpc) => vpc.name === name)!.id;
  const problemsOf = async (vpc: string) =>
    (await provider({ vpc }).check(context, { machines: [machine()], toCreate: [] })).problems;
  expect(await problemsOf("default-fra1")).toEqual([]);
  expect(await problemsOf(id("default-fra1"))).toEqual([]);
  expect(await problemsOf("default-fra")).toMatchObject([
    { path: "provider.vpc", message: "no VPC has this id or name", suggestion: "default-fra1" },
  ]);
  for (const elsewhere of ["default-nyc3", id("default-nyc3")]) {
    expect(await problemsOf(elsewhere)).toMatchObject([
      {
        path: "provider.vpc",
        given: elsewhere,
        message: expect.stringContaining("default-nyc3 is in nyc3, not in fra1"),
        allowed: [`default-fra1 (${id("default-fra1")})`],
      },
    ]);
  }
  expect(writes()).toEqual([]);
  await cloud.close();
});

test("a pool's option that does not exist is told with the nearest one, and a wrong value too", async () => {
  const { cloud, provider } = await setUp();
  const { problems } = await provider().check(context, {
    machines: [
      machine({ providerOptions: { reservedip: true } }),
      machine({ role: "master", name: "lab-ocean-master-1", providerOptions: { reservedIp: "yes" } }),
    ],
    toCreate: [],
  });
  expect(problems).toMatchObject([
    { path: "workers.providerOptions.reservedip", suggestion: "reservedIp" },
    { path: "masters.providerOptions.reservedIp", given: "yes" },
  ]);
  await cloud.close();
});

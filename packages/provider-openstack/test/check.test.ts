import { describe, expect, it } from "vitest";
import { openstack } from "../src/index.js";
import { createContext, createTestWorld, request, shape, shared, startCloud } from "./sandbox.js";

describe("check", () => {
  it("finds nothing wrong with a site that can be made, and writes nothing", async () => {
    const world = createTestWorld();
    const cloud = await startCloud(world);
    const machines = [
      shape("multicloud-home-master-1", { role: "master", disk: { sizeGiB: 50, type: "standard" } }),
      shape("multicloud-home-worker-1", { providerOptions: { availabilityZone: "nova" } }),
    ];
    const provider = openstack({ cloud: "home", cloudsFile: cloud.cloudsFile, securityGroups: ["default"] });
    const result = await provider.check(createContext(), { machines, toCreate: machines.map((m) => m.name) });
    expect(result).toEqual({ problems: [], warnings: [] });
    expect(world.effects.all).toEqual([]);
  });

  it("tells everything that is wrong at once, with the nearest names", async () => {
    const world = createTestWorld();
    const cloud = await startCloud(world, {
      images: [{ name: "debian-12", minDisk: 30 }, { name: "twin" }, { name: "twin" }],
      quotas: { instances: 2, cores: 4, ram: 8192, volumes: 1 },
    });
    const provider = openstack({
      cloud: "home",
      cloudsFile: cloud.cloudsFile,
      network: "homnet",
      availabilityZone: "nove",
      securityGroups: ["defaults"],
    });
    const machines = [
      shape("a", {
        role: "master",
        size: "g1.mediun",
        image: "debian-11",
        disk: { sizeGiB: 50, type: "fats" },
      }),
      shape("b", { providerOptions: { availabilityZon: "nova" } }),
      shape("c", { size: "g1.small", image: "twin" }),
      shape("d", { size: "g1.large", disk: { sizeGiB: 10 } }),
    ];
    const { problems } = await provider.check(createContext(), { machines, toCreate: ["a", "b", "c", "d"] });
    const brief = problems.map(({ path, message, suggestion }) => [path, message, suggestion]);
    expect(brief).toEqual(
      expect.arrayContaining([
        ["masters.size", "there is no flavor g1.mediun", "g1.medium"],
        ["masters.image", "there is no image debian-11", "debian-12"],
        ["masters.disk.type", "there is no volume type fats", "fast"],
        [
          "workers.providerOptions.availabilityZon",
          "OpenStack machines have no such option",
          "availabilityZone",
        ],
        ["workers.size", "image debian-12 needs a disk of 30 GiB, g1.medium has 20", undefined],
        ["workers.disk.sizeGiB", "image debian-12 needs a disk of 30 GiB", undefined],
        ["workers.image", "2 things of kind image are named twin", undefined],
        ["provider.network", "there is no network homnet", "homenet"],
        ["provider.availabilityZone", "there is no availability zone nove", "nova"],
        ["provider.securityGroups", "there is no security group defaults", "default"],
        ["provider", "needs 3 instances / 7 vCPU / 14336 MiB RAM, quota leaves 2 / 4 / 8192", undefined],
        ["provider", "needs 2 volumes / 60 GiB of volumes, quota leaves 1 / 1000", undefined],
      ]),
    );
    expect(brief).toHaveLength(12);
  });

  it("asks to choose when there are several networks", async () => {
    const cloud = await startCloud(createTestWorld(), {
      networks: [
        { name: "a", kind: "lan", cidr: "10.1.0.0/24" },
        { name: "b", kind: "lan", cidr: "10.2.0.0/24" },
        { name: "ext", kind: "public", cidr: "203.0.113.0/24", external: true },
      ],
    });
    const { problems } = await openstack({ cloud: "home", cloudsFile: cloud.cloudsFile }).check(
      createContext(),
      { machines: [], toCreate: [] },
    );
    expect(problems).toEqual([expect.objectContaining({ path: "provider.network", allowed: ["a", "b"] })]);
  });

  it("counts only machines that are still to be made", async () => {
    const cloud = await startCloud(createTestWorld(), { quotas: { instances: 1 } });
    const context = createContext();
    const provider = openstack({ cloud: "home", cloudsFile: cloud.cloudsFile });
    await provider.ensureShared(context, shared);
    await provider.create(context, [request("multicloud-home-worker-1")]);
    const machines = [shape("multicloud-home-worker-1")];
    expect((await provider.check(context, { machines, toCreate: [] })).problems).toEqual([]);
  });

  it("has room for the site's security group, its rules, its server groups and the machines' ports", async () => {
    const cloud = await startCloud(createTestWorld(), {
      quotas: { securityGroups: 1, securityGroupRules: 9, serverGroups: 1, serverGroupMembers: 1, ports: 1 },
    });
    const context = createContext();
    const provider = openstack({ cloud: "home", cloudsFile: cloud.cloudsFile, antiAffinity: "soft" });
    const machines = [shape("a", { role: "master" }), shape("b"), shape("c")];
    const messages = async (toCreate: readonly string[]) =>
      (await provider.check(context, { machines, toCreate, firewall: shared.firewall })).problems
        .map(({ message }) => message)
        .sort();
    expect(await messages(["a", "b", "c"])).toEqual([
      "needs 2 server groups / 2 servers in a server group, quota leaves 1 / 1",
      // The project's own group has four rules; ours begins with two, and six are asked for.
      "needs 3 ports / 1 security groups / 8 security group rules, quota leaves 1 / 0 / 5",
    ]);
    expect(await messages([])).toEqual([
      "needs 1 security groups / 8 security group rules, quota leaves 0 / 5",
    ]);
  });

  it("says that an old Nova cannot choose the type of a boot volume, and uses it otherwise", async () => {
    const cloud = await startCloud(createTestWorld(), { microversion: "2.30" });
    const context = createContext();
    const provider = openstack({ cloud: "home", cloudsFile: cloud.cloudsFile });
    const machines = [shape("multicloud-home-worker-1", { disk: { sizeGiB: 20, type: "fast" } })];
    const { problems } = await provider.check(context, { machines, toCreate: [] });
    expect(problems).toEqual([
      expect.objectContaining({ path: "workers.disk.type", message: expect.stringContaining("2.30") }),
    ]);
    await provider.ensureShared(context, shared);
    await provider.create(context, [request("multicloud-home-worker-1", { disk: { sizeGiB: 20 } })]);
    expect(await provider.list(context)).toEqual([expect.objectContaining({ size: "g1.medium" })]);
  });

  it("turns wrong credentials and a wrong cloud name into problems", async () => {
    const cloud = await startCloud(createTestWorld());
    const wrong = openstack({
      auth: {
        authUrl: cloud.authUrl,
        username: "alice",
        password: "not-alices-password",
        projectName: "homelab",
        userDomainName: "Default",
      },
    });
    const request = { machines: [shape("a")], toCreate: ["a"] };
    expect((await wrong.check(createContext(), request)).problems).toEqual([
      {
        path: "provider",
        message: expect.stringContaining("requires authentication"),
        hint: expect.stringContaining("the auth option"),
      },
    ]);
    const misspelt = openstack({ cloud: "hoem", cloudsFile: cloud.cloudsFile });
    expect((await misspelt.check(createContext(), request)).problems).toEqual([
      expect.objectContaining({ message: expect.stringContaining('did you mean "home"?') }),
    ]);
  });
});

import { describe, expect, it } from "vitest";
import { createOpenStackClient } from "../src/client/index.js";
import { openstack } from "../src/index.js";
import {
  createContext,
  createTestWorld,
  effectsOf,
  operatorKey,
  otherKey,
  request,
  shared,
  startCloud,
  until,
} from "./sandbox.js";

const groupName = "multicloud-multicloud-home";

describe("what the machines share", () => {
  it("is made as wanted for IPv4 and IPv6, and corrected when it differs", async () => {
    const world = createTestWorld();
    const cloud = await startCloud(world);
    const context = createContext();
    const provider = openstack({ cloud: "home", cloudsFile: cloud.cloudsFile });
    await provider.ensureShared(context, shared);
    const ingress = () =>
      cloud
        .list()
        .securityGroupRules.filter((rule) => rule.name.startsWith("ingress"))
        .map((rule) => rule.name)
        .sort();
    expect(ingress()).toEqual([
      "ingress IPv4 tcp 22 192.0.2.0/24",
      "ingress IPv4 tcp 443",
      "ingress IPv4 udp 9993",
      "ingress IPv6 tcp 22 2001:db8::/32",
      "ingress IPv6 tcp 443",
      "ingress IPv6 udp 9993",
    ]);
    expect(cloud.list().keypairs[0]?.publicKey).toBe(
      `${operatorKey.split(" ").slice(0, 2).join(" ")} multicloud:multicloud/home`,
    );

    await provider.ensureShared(context, {
      sshPublicKey: operatorKey,
      firewall: [
        { protocol: "tcp", port: 443, sources: ["0.0.0.0/0"] },
        { protocol: "tcp", port: 80, sources: ["198.51.100.4"] },
      ],
    });
    expect(ingress()).toEqual(["ingress IPv4 tcp 443", "ingress IPv4 tcp 80 198.51.100.4/32"]);
    expect(cloud.counts()).toMatchObject({ securityGroups: 1, keypairs: 1 });
  });

  it("is finished wherever it was cut off, with nothing doubled", async () => {
    const whole = createTestWorld();
    const reference = await startCloud(whole);
    await openstack({ cloud: "home", cloudsFile: reference.cloudsFile }).ensureShared(
      createContext(),
      shared,
    );
    const steps = effectsOf(whole).length;
    expect(steps).toBe(8);
    for (let step = 1; step <= steps; step++) {
      const world = createTestWorld();
      const cloud = await startCloud(world);
      const options = { cloud: "home", cloudsFile: cloud.cloudsFile };
      const controller = new AbortController();
      world.effects.listen((effect) => {
        if (effect.n === step) controller.abort(new Error("cut off"));
      });
      await expect(
        openstack(options).ensureShared(createContext({ signal: controller.signal }), shared),
      ).rejects.toThrow("cut off");
      await openstack(options).ensureShared(createContext(), shared);
      expect(cloud.counts()).toEqual(reference.counts());
      await openstack(options).deleteShared(createContext());
      expect(Object.values(cloud.counts())).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
    }
  });

  it("refuses a key pair of our name with another key, and does not touch it", async () => {
    const world = createTestWorld();
    const cloud = await startCloud(world);
    const options = { cloud: "home", cloudsFile: cloud.cloudsFile };
    await createOpenStackClient(options).nova.createKeypair(createContext(), groupName, otherKey);
    const before = effectsOf(world);
    await expect(openstack(options).ensureShared(createContext(), shared)).rejects.toMatchObject({
      code: "CONFLICT",
      service: "nova",
      site: "home",
      hint: expect.stringContaining("rename"),
    });
    await openstack(options).deleteShared(createContext());
    expect(effectsOf(world)).toEqual(before);
  });

  it("uses a key pair that somebody else made with the same key, and leaves it", async () => {
    const world = createTestWorld();
    const cloud = await startCloud(world);
    const options = { cloud: "home", cloudsFile: cloud.cloudsFile };
    await createOpenStackClient(options).nova.createKeypair(createContext(), groupName, operatorKey);
    await openstack(options).ensureShared(createContext(), shared);
    await openstack(options).deleteShared(createContext());
    expect(cloud.counts()).toMatchObject({ keypairs: 1, securityGroups: 0 });
  });

  it("refuses a security group of our name that is not ours, and does not touch it", async () => {
    const world = createTestWorld();
    const cloud = await startCloud(world);
    const options = { cloud: "home", cloudsFile: cloud.cloudsFile };
    await createOpenStackClient(options).neutron.createSecurityGroup(createContext(), {
      name: groupName,
      description: "mine",
    });
    const before = effectsOf(world);
    const provider = openstack(options);
    const { problems } = await provider.check(createContext(), { machines: [], toCreate: [] });
    expect(problems).toEqual([expect.objectContaining({ path: "provider", given: groupName })]);
    await expect(provider.ensureShared(createContext(), shared)).rejects.toMatchObject({ code: "CONFLICT" });
    await provider.deleteShared(createContext());
    expect(effectsOf(world)).toEqual(before);
  });

  it("waits until the last machine has let go of the security group", async () => {
    const world = createTestWorld({ deleteMs: 1_500 }, 1);
    const cloud = await startCloud(world);
    const context = createContext();
    const provider = openstack({ cloud: "home", cloudsFile: cloud.cloudsFile });
    await provider.ensureShared(context, shared);
    await provider.create(context, [request("multicloud-home-worker-1")]);
    await provider.delete(context, await provider.list(context));
    expect((await provider.list(context))[0]?.status).toBe("deleting");
    await provider.deleteShared(context);
    expect(Object.values(cloud.counts())).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
    expect(context.reports).toContainEqual(expect.objectContaining({ type: "retry", service: "neutron" }));
  });

  it("says which port to look for when the security group stays in use", async () => {
    const world = createTestWorld();
    const cloud = await startCloud(world);
    const context = createContext();
    const provider = openstack({ cloud: "home", cloudsFile: cloud.cloudsFile, releaseTimeoutMs: 1 });
    await provider.ensureShared(context, shared);
    await provider.create(context, [request("multicloud-home-worker-1")]);
    await until(
      () => cloud.list(),
      (all) => all.ports.length === 1,
    );
    await expect(provider.deleteShared(context)).rejects.toMatchObject({
      code: "CONFLICT",
      hint: expect.stringContaining("openstack port list --security-group"),
    });
  });
});

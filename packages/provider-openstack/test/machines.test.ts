import { describe, expect, it } from "vitest";
import { createOpenStackClient } from "../src/client/index.js";
import { openstack } from "../src/index.js";
import {
  createContext,
  createTestWorld,
  effectsOf,
  operatorKey,
  request,
  shared,
  startCloud,
  until,
} from "./sandbox.js";

describe("machines", () => {
  it("are made, found by their mark, and deleted with all that came with them", async () => {
    const world = createTestWorld();
    const cloud = await startCloud(world);
    const provider = openstack({ cloud: "home", cloudsFile: cloud.cloudsFile });
    const context = createContext();

    await provider.ensureShared(context, shared);
    const disk = { sizeGiB: 50, type: "fast" };
    await provider.create(context, [request("multicloud-home-master-1", { role: "master", disk })]);
    await provider.create(context, [
      request("multicloud-home-worker-1", { userData: Buffer.from([31, 139]) }),
    ]);

    const machines = await until(
      () => provider.list(context),
      (list) => list.every((machine) => machine.status === "running"),
    );
    expect(machines).toEqual([
      {
        id: expect.any(String),
        name: "multicloud-home-master-1",
        role: "master",
        spec: "spec-1",
        status: "running",
        privateAddress: "10.20.0.10",
        size: "g1.medium",
        image: "debian-12",
      },
      expect.objectContaining({ name: "multicloud-home-worker-1", privateAddress: "10.20.0.11" }),
    ]);
    expect(cloud.list().volumes).toEqual([
      expect.objectContaining({ size: 50, type: "fast", status: "in-use" }),
    ]);
    const [master, worker] = machines.map((machine) => world.booted.get(machine.id));
    expect(master).toMatchObject({
      hostname: "multicloud-home-master-1",
      image: "debian-12",
      lan: "homenet",
    });
    expect(Buffer.from(master!.userData!).toString()).toBe("#cloud-config\n");
    expect(master!.sshKeys[0]).toContain(operatorKey.split(" ")[1]);
    expect([...(worker!.userData as Uint8Array)]).toEqual([31, 139]);

    await provider.delete(context, machines);
    await provider.delete(context, machines);
    await provider.deleteShared(context);
    await provider.deleteShared(context);
    expect(cloud.counts()).toEqual({
      servers: 0,
      ports: 0,
      volumes: 0,
      securityGroups: 0,
      securityGroupRules: 0,
      keypairs: 0,
      floatingIps: 0,
      serverGroups: 0,
    });
    expect(world.booted.size).toBe(0);
  });

  it("are not made again, and repeating everything writes nothing", async () => {
    const world = createTestWorld();
    const cloud = await startCloud(world);
    const context = createContext();
    const provider = () => openstack({ cloud: "home", cloudsFile: cloud.cloudsFile });
    await provider().ensureShared(context, shared);
    await provider().create(context, [request("multicloud-home-worker-1")]);
    const before = effectsOf(world);

    await provider().ensureShared(context, shared);
    await provider().create(context, [request("multicloud-home-worker-1")]);
    await provider().list(context);
    expect(effectsOf(world)).toEqual(before);
    expect(cloud.calls.nova.filter((call) => call.method === "POST")).toHaveLength(2);
  });

  it("are not made again by the object that made them, and made again once they are gone", async () => {
    const world = createTestWorld();
    const cloud = await startCloud(world);
    const context = createContext();
    const provider = openstack({ cloud: "home", cloudsFile: cloud.cloudsFile });
    await provider.ensureShared(context, shared);
    const create = () => provider.create(context, [request("multicloud-home-worker-1")]);
    const creations = () => cloud.calls.nova.filter(({ path }) => path.endsWith("/servers")).length;
    await create();
    await create();
    expect(creations()).toBe(1);
    // Somebody else deletes it, and nobody looks.
    cloud.removeServer(cloud.list().servers[0]!.id);
    await create();
    expect(creations()).toBe(2);
    await provider.delete(context, await provider.list(context));
    await create();
    expect(creations()).toBe(3);
    expect(cloud.list().servers).toHaveLength(1);
  });

  it("are told from one whose name only begins the same", async () => {
    const world = createTestWorld();
    const cloud = await startCloud(world);
    const context = createContext();
    const provider = openstack({ cloud: "home", cloudsFile: cloud.cloudsFile });
    await provider.ensureShared(context, shared);
    await provider.create(context, [request("multicloud-home-worker-10")]);
    await provider.create(context, [request("multicloud-home-worker-1")]);
    const names = (await provider.list(context)).map((machine) => machine.name);
    expect(names).toEqual(["multicloud-home-worker-1", "multicloud-home-worker-10"]);
  });

  it("are found again when the answer to their creation was lost", async () => {
    const world = createTestWorld();
    const cloud = await startCloud(world);
    const context = createContext();
    const provider = openstack({ cloud: "home", cloudsFile: cloud.cloudsFile });
    await provider.ensureShared(context, shared);

    world.faults.add({ service: "home/nova", method: "POST", path: /\/servers$/, reset: "after" });
    await provider.create(context, [request("multicloud-home-worker-1")]);
    expect(cloud.list().servers).toHaveLength(1);
    expect(effectsOf(world).filter((effect) => effect.startsWith("create server"))).toHaveLength(1);
  });

  it("are waited for when Nova took longer to answer than anybody waits", async () => {
    const world = createTestWorld();
    const cloud = await startCloud(world);
    const context = createContext();
    let slow: Promise<unknown> | undefined;
    let looked = () => {};
    const lookedAgain = new Promise<void>((resolve) => {
      looked = resolve;
    });
    const provider = openstack({
      cloud: "home",
      cloudsFile: cloud.cloudsFile,
      async fetch(input, init) {
        if (init?.method !== "POST" || !String(input).endsWith("/servers")) {
          // Nova carries it out only after somebody has looked in vain.
          const answer = await fetch(input, init);
          if (slow && String(input).includes("/servers/detail")) looked();
          return answer;
        }
        const { signal: _, ...rest } = init;
        slow = lookedAgain.then(() => fetch(input, rest));
        throw new DOMException("The operation was aborted due to timeout", "TimeoutError");
      },
    });
    await provider.ensureShared(context, shared);
    await provider.create(context, [request("multicloud-home-worker-1")]);
    await slow;
    expect(cloud.list().servers).toHaveLength(1);
  });

  it("are never asked for twice when nobody knows whether the first time worked", async () => {
    const world = createTestWorld();
    const cloud = await startCloud(world);
    const context = createContext();
    const provider = openstack({ cloud: "home", cloudsFile: cloud.cloudsFile });
    await provider.ensureShared(context, shared);

    world.faults.add({ service: "home/nova", method: "POST", path: /\/servers$/, status: 500, times: 9 });
    await expect(provider.create(context, [request("multicloud-home-worker-1")])).rejects.toMatchObject({
      code: "SERVICE_FAILED",
      site: "home",
      node: "multicloud-home-worker-1",
    });
    expect(cloud.calls.nova.filter((call) => call.path.endsWith("/servers"))).toHaveLength(1);
  });

  it("of others are neither listed nor deleted", async () => {
    const world = createTestWorld();
    const cloud = await startCloud(world);
    const context = createContext();
    const options = { cloud: "home", cloudsFile: cloud.cloudsFile };
    const provider = openstack(options);
    await provider.ensureShared(context, shared);
    await provider.create(context, [request("multicloud-home-worker-1")]);

    const other = createContext({ cluster: "multicloud", site: "attic" });
    await openstack(options).ensureShared(other, shared);
    await openstack(options).create(other, [request("multicloud-attic-worker-1")]);
    const client = createOpenStackClient(options);
    const [flavor] = await client.nova.listFlavors(context);
    const [image] = await client.glance.listImages(context);
    const [network] = await client.neutron.listNetworks(context);
    // Same name as ours, without the mark.
    const { id } = await client.nova.createServer(context, {
      name: "multicloud-home-worker-2",
      flavorRef: flavor!.id,
      imageRef: image!.id,
      networks: [{ uuid: network!.id }],
      metadata: { owner: "somebody" },
    });

    const mine = await provider.list(context);
    expect(mine.map((machine) => machine.name)).toEqual(["multicloud-home-worker-1"]);
    const [attic] = await provider.list(other);
    await provider.delete(context, [...mine, attic!, { ...mine[0]!, id }]);
    await provider.deleteShared(context);
    const left = await until(
      () => cloud.list(),
      (all) => all.servers.length <= 2,
    );
    expect(left.servers.map((server) => server.name).sort()).toEqual([
      "multicloud-attic-worker-1",
      "multicloud-home-worker-2",
    ]);
    expect(left.keypairs.map((keypair) => keypair.name)).toEqual(["multicloud-multicloud-attic"]);
    expect(context.reports).toContainEqual(expect.objectContaining({ type: "log", level: "warn" }));
  });

  it("that failed say why, and leave no volume behind", async () => {
    const world = createTestWorld();
    const cloud = await startCloud(world);
    const context = createContext();
    const provider = openstack({ cloud: "home", cloudsFile: cloud.cloudsFile });
    await provider.ensureShared(context, shared);
    cloud.failBuilds({ message: "No valid host was found. " });
    cloud.failBuilds({ message: "Volume did not finish being created", leaveVolume: "attached" });
    await provider.create(context, [request("multicloud-home-worker-1")]);
    await provider.create(context, [request("multicloud-home-worker-2", { disk: { sizeGiB: 20 } })]);

    const failed = await until(
      () => provider.list(context),
      (list) => list.every((machine) => machine.status === "failed"),
    );
    expect(failed.map((machine) => machine.fault)).toEqual([
      "No valid host was found.",
      "Volume did not finish being created",
    ]);
    await provider.delete(context, failed);
    expect(cloud.counts()).toMatchObject({ servers: 0, ports: 0, volumes: 0 });
  });

  it("that failed take the volume along that Nova lost, wherever their deletion is cut off", async () => {
    /** A site with one machine whose build failed, and a volume that only the fault names. */
    const failedSite = async () => {
      const world = createTestWorld();
      const cloud = await startCloud(world);
      const context = createContext();
      const provider = () => openstack({ cloud: "home", cloudsFile: cloud.cloudsFile });
      await provider().ensureShared(context, shared);
      cloud.failBuilds({
        message:
          "Build of instance 5f0ff5d9 aborted: Volume {volume} did not finish being created even after we waited 187 seconds or 61 attempts. And its status is creating.",
        leaveVolume: "lost",
      });
      await provider().create(context, [request("multicloud-home-worker-1", { disk: { sizeGiB: 20 } })]);
      const [failed] = await until(
        () => provider().list(context),
        ([machine]) => machine?.status === "failed",
      );
      expect(failed).toMatchObject({ retryable: true });
      return { world, cloud, context, provider, failed: failed! };
    };
    const whole = await failedSite();
    const before = effectsOf(whole.world).length;
    await whole.provider().delete(whole.context, [whole.failed]);
    expect(effectsOf(whole.world).slice(before)).toEqual([
      "update volume multicloud-multicloud-home",
      "delete server multicloud-home-worker-1",
      "delete volume multicloud-multicloud-home",
    ]);
    for (const step of [1, 2, 3]) {
      const { world, cloud, context, provider, failed } = await failedSite();
      const controller = new AbortController();
      world.effects.listen(({ n }) => {
        if (n === before + step) controller.abort(new Error("cut off"));
      });
      const cut = createContext({ signal: controller.signal });
      await expect(provider().delete(cut, [failed])).rejects.toThrow("cut off");
      // The next run: whoever is still there goes, then the shared things are seen to.
      await provider().delete(context, await provider().list(context));
      await provider().ensureShared(context, shared);
      expect(cloud.counts(), `cut off after ${step}`).toMatchObject({ servers: 0, ports: 0, volumes: 0 });
    }
  });

  it("that failed leave a volume of another's alone, whatever the fault says", async () => {
    const world = createTestWorld();
    const cloud = await startCloud(world);
    const context = createContext();
    const options = { cloud: "home", cloudsFile: cloud.cloudsFile };
    const provider = openstack(options);
    await provider.ensureShared(context, shared);
    const { cinder } = createOpenStackClient(options);
    cloud.failBuilds({ message: "Volume {volume} did not finish being created", leaveVolume: "lost" });
    await provider.create(context, [request("multicloud-home-worker-1", { disk: { sizeGiB: 20 } })]);
    const failed = await until(
      () => provider.list(context),
      ([machine]) => machine?.status === "failed",
    );
    const [volume] = await cinder.listVolumes(context);
    await cinder.updateVolume(context, volume!.id, { name: "backup", description: "mine" });
    await provider.delete(context, failed);
    await provider.deleteShared(context);
    expect(cloud.counts()).toMatchObject({ servers: 0, volumes: 1 });
  });

  it("of clouds without block storage are made without it", async () => {
    const world = createTestWorld();
    const cloud = await startCloud(world);
    const context = createContext();
    const provider = openstack({ cloud: "home", cloudsFile: cloud.cloudsFile });
    world.faults.add({ service: "home/cinder", status: 404, times: 99 });
    await provider.ensureShared(context, shared);
    expect(context.reports).toContainEqual(
      expect.objectContaining({ level: "warn", message: expect.stringContaining("not looked for") }),
    );
    await provider.create(context, [request("multicloud-home-worker-1")]);
    expect(cloud.counts()).toMatchObject({ servers: 1 });
  });

  it("are all found over pages of two, with one list a look", async () => {
    const world = createTestWorld();
    const cloud = await startCloud(world, { pageSize: 2, catalog: "odd" });
    const context = createContext();
    const provider = openstack({ cloud: "home", cloudsFile: cloud.cloudsFile });
    await provider.check(context, { machines: [], toCreate: [] });
    await provider.ensureShared(context, shared);
    const names = [1, 2, 3, 4, 5, 6].map((n) => `multicloud-home-worker-${n}`);
    await Promise.all(names.map((name) => provider.create(context, [request(name, { size: "g1.small" })])));
    const before = cloud.calls.nova.length;
    expect((await provider.list(context)).map((machine) => machine.name)).toEqual(names);
    // Nova links to one page more after an exactly full one.
    expect(cloud.calls.nova.length - before).toBe(4);
  });

  it("stop at once when the caller aborts", async () => {
    const world = createTestWorld();
    const cloud = await startCloud(world);
    const controller = new AbortController();
    const context = createContext({ signal: controller.signal });
    const provider = openstack({ cloud: "home", cloudsFile: cloud.cloudsFile });
    await provider.ensureShared(createContext(), shared);
    world.faults.add({ service: "home/nova", method: "GET", path: /detail$/, hang: true });
    const reason = new Error("enough");
    const creating = provider.create(context, [request("multicloud-home-worker-1")]);
    setImmediate(() => controller.abort(reason));
    await expect(creating).rejects.toBe(reason);
    await expect(provider.list(context)).rejects.toBe(reason);
    expect(cloud.list().servers).toEqual([]);
  });

  it("have the address of a public network as their public one", async () => {
    const world = createTestWorld();
    const cloud = await startCloud(world, {
      networks: [{ name: "outside", kind: "public", cidr: "203.0.113.0/24" }],
    });
    const context = createContext();
    const provider = openstack({ cloud: "home", cloudsFile: cloud.cloudsFile });
    await provider.ensureShared(context, shared);
    await provider.create(context, [request("multicloud-home-worker-1")]);
    const [machine] = await until(
      () => provider.list(context),
      ([first]) => first?.status === "running",
    );
    expect(machine).toMatchObject({ publicAddress: "203.0.113.10" });
    expect(machine).not.toHaveProperty("privateAddress");
    expect(world.booted.get(machine!.id)).toMatchObject({ publicAddress: "203.0.113.10" });
  });
});

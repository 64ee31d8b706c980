import { expect, it } from "vitest";
import { request, shared, small, withDisk } from "../sandbox.js";
import type { Bench } from "./bench.js";
import { watchFetch } from "./watch.js";

/** Machines: made, found, repeated, replaced, deleted. */
export function machineCases(bench: Bench): void {
  const { site, provider, until, settled, clean } = bench;

  it("makes six machines, on local disks and on volumes, and repeats without a write", async () => {
    const context = site("six");
    const watched = watchFetch();
    const own = provider("home", { fetch: watched.fetch });
    const requests = [
      request("six-home-master-1", { role: "master", disk: { sizeGiB: 3, type: "fast" } }),
      withDisk("six-home-worker-1"),
      ...[2, 3, 4, 5].map((n) => small(`six-home-worker-${n}`)),
    ];
    const names = requests.map(({ name }) => name);
    const machines = requests.map(({ spec: _, userData: __, ...machine }) => machine);
    expect(await own.check(context, { machines, toCreate: names })).toEqual({ problems: [], warnings: [] });
    expect(watched.writes()).toBe(0);

    await own.ensureShared(context, shared);
    await Promise.all(requests.map((machine) => own.create(context, [machine])));
    const made = await settled(context, own);
    expect(made.flatMap(({ fault }) => fault ?? [])).toEqual([]);
    expect(made.map(({ name: node, role, status, spec }) => ({ node, role, status, spec }))).toEqual(
      names.map((node) => ({
        node,
        role: node.includes("master") ? "master" : "worker",
        status: "running",
        spec: "spec-1",
      })),
    );
    expect(new Set(made.map(({ privateAddress }) => privateAddress)).size).toBe(6);
    expect(made.every(({ privateAddress }) => privateAddress?.startsWith("10.20."))).toBe(true);

    const servers = await bench.home.all("compute", "/servers/detail?name=six-", "servers");
    const master = servers.find((server) => server.name === "six-home-master-1")!;
    expect(master).toMatchObject({
      key_name: "multicloud-six-home",
      image: "",
      metadata: { "multicloud-cluster": "six", "multicloud-node": "six-home-master-1" },
    });
    const volumes = await bench.home.all("volumev3", "/volumes/detail", "volumes");
    expect(volumes.map(({ size, volume_type, status }) => ({ size, volume_type, status }))).toEqual(
      expect.arrayContaining([
        { size: 2, volume_type: "fast", status: "in-use" },
        { size: 3, volume_type: "fast", status: "in-use" },
      ]),
    );

    const writes = watched.writes();
    const again = provider("home", { fetch: watched.fetch });
    await again.check(context, { machines, toCreate: [] });
    await again.ensureShared(context, shared);
    for (const machine of requests) await again.create(context, [machine]);
    expect(await again.list(context)).toEqual(made);
    expect(watched.writes()).toBe(writes);

    await again.delete(context, [made[1]!]);
    await until(
      () => again.list(context),
      (all) => all.length === 5,
    );
    await again.create(context, [withDisk(made[1]!.name)]);
    const replaced = await settled(context, again);
    expect(replaced.map(({ name: node }) => node)).toEqual(names);
    expect(replaced[1]!.id).not.toBe(made[1]!.id);

    await clean(context);
    await until(
      () => bench.home.all("volumev3", "/volumes/detail", "volumes"),
      (left) => left.length === 0,
    );
  });

  it("freezes machines and lets them go on, and neither twice", async () => {
    const context = site("frozen");
    const watched = watchFetch();
    const own = provider("home", { fetch: watched.fetch });
    await own.ensureShared(context, shared);
    for (const name of ["frozen-home-worker-1", "frozen-home-worker-2"])
      await own.create(context, [small(name)]);
    const made = await settled(context, own);
    const power = async (on: boolean) => {
      const before = watched.writes();
      await own.power!(context, await own.list(context), on);
      return watched.writes() - before;
    };
    const statuses = async () => (await own.list(context)).map(({ status }) => status);
    expect(await power(true)).toBe(0);
    expect(await power(false)).toBe(2);
    expect(await statuses()).toEqual(["stopped", "stopped"]);
    expect(await power(false)).toBe(0);
    expect(await power(true)).toBe(2);
    expect(await own.list(context)).toEqual(made);
    await clean(context);
  });

  it("finds all servers over pages of two, and takes calls by the page", async () => {
    const context = site("pages");
    const watched = watchFetch();
    const own = provider("home-paged", { fetch: watched.fetch });
    await own.ensureShared(context, shared);
    const names = [1, 2, 3, 4, 5].map((n) => `pages-home-worker-${n}`);
    for (const node of names) await own.create(context, [small(node)]);
    await settled(context, own);
    const before = watched.calls.length;
    expect((await own.list(context)).map(({ name: node }) => node)).toEqual(names);
    expect(watched.calls.length - before).toBe(3);
    await clean(context);
  });

  it("notices that a machine was deleted behind its back, and makes it again", async () => {
    const context = site("gone");
    const own = provider("home");
    await own.ensureShared(context, shared);
    await own.create(context, [small("gone-home-worker-1")]);
    const [machine] = await settled(context, own);
    expect((await bench.home.call("compute", "DELETE", `/servers/${machine!.id}`)).status).toBe(204);
    await until(
      () => own.list(context),
      (all) => all.length === 0,
    );
    await own.delete(context, [machine!]);
    await own.create(context, [small("gone-home-worker-1")]);
    const [again] = await settled(context, own);
    expect(again).toMatchObject({ name: machine!.name, status: "running" });
    expect(again!.id).not.toBe(machine!.id);
    await clean(context);
  });

  it("gives machines a zone, user data on a drive, tags, and a volume that goes with them", async () => {
    const context = site("drive");
    const own = provider("home", { availabilityZone: "nova", configDrive: true });
    const machine = withDisk("drive-home-worker-1");
    const misspelt = await provider("home", { availabilityZone: "nove" }).check(context, {
      machines: [machine],
      toCreate: [],
    });
    expect(misspelt.problems).toEqual([
      expect.objectContaining({
        path: "provider.availabilityZone",
        message: "there is no availability zone nove",
        suggestion: "nova",
      }),
    ]);
    expect(await own.check(context, { machines: [machine], toCreate: [machine.name] })).toEqual({
      problems: [],
      warnings: [],
    });
    await own.ensureShared(context, shared);
    await own.create(context, [machine]);
    expect((await settled(context, own)).map(({ status, fault }) => fault ?? status)).toEqual(["running"]);
    const [server] = await bench.home.all("compute", "/servers/detail?name=drive-", "servers");
    expect(server).toMatchObject({
      config_drive: "True",
      "OS-EXT-AZ:availability_zone": "nova",
      image: "",
      tags: ["multicloud", "multicloud-cluster=drive", "multicloud-site=home"],
      "os-extended-volumes:volumes_attached": [{ delete_on_termination: true }],
    });
    await clean(context);
    await until(
      () => bench.home.all("volumev3", "/volumes/detail", "volumes"),
      (left) => left.length === 0,
    );
  });

  it("replaces a machine by one of another size and spec under the same name, volume and all", async () => {
    const context = site("change");
    const own = provider("home");
    const name = "change-home-worker-1";
    await own.ensureShared(context, shared);
    await own.create(context, [withDisk(name)]);
    const [old] = await settled(context, own);
    await own.delete(context, [old!]);
    await until(
      () => own.list(context),
      (all) => all.length === 0,
    );
    await own.create(context, [
      request(name, { size: "g1.medium", spec: "spec-2", disk: { sizeGiB: 3, type: "fast" } }),
    ]);
    const [fresh, ...others] = await settled(context, own);
    expect(others).toEqual([]);
    expect(fresh).toMatchObject({ name, spec: "spec-2", size: "g1.medium", status: "running" });
    expect(fresh!.id).not.toBe(old!.id);
    const volumes = await until(
      () => bench.home.all("volumev3", "/volumes/detail", "volumes"),
      (all) => all.length === 1,
    );
    expect(volumes).toEqual([expect.objectContaining({ size: 3, volume_type: "fast" })]);
    await clean(context);
  });
}

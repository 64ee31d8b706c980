import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { generateKeyPair, publicKeyOf } from "@multicloud/ssh";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { StaticHost } from "../src/index.js";
import { errorOf, openRack, type Rack } from "./rack.js";

let rack: Rack;
beforeAll(async () => {
  rack = await openRack();
});
afterAll(() => rack.close());

let asFound: Record<string, unknown>;

// One cluster lives through this file, so the tests depend on their order.
test("two hosts that exist and a droplet become one cluster", async () => {
  asFound = { "rack-1": rack.state("rack-1"), "rack-2": rack.state("rack-2") };
  const { nodes, plan } = await rack.cluster().up();
  expect(plan.counts.create).toBe(3);
  expect(nodes.map(({ name, ready }) => [name, ready])).toEqual([
    ["lab-rack-master-1", true],
    ["lab-rack-worker-1", true],
    ["lab-ocean-worker-1", true],
  ]);
  expect(JSON.parse(rack.claim("rack-1")!)).toMatchObject({
    owner: "multicloud",
    cluster: "lab",
    site: "rack",
    node: "lab-rack-master-1",
    state: "ready",
    made: { users: ["multicloud"], packages: expect.arrayContaining(["zerotier-one", "docker.io"]) },
  });
  expect(rack.containersOf("rack-1")).toContain("kube-apiserver");
  expect(rack.containersOf("rack-2")).toContain("kubelet");
  expect(rack.state("rack-1").cluster).not.toEqual([]);
  // The host's own key is the one that counts; nobody made it another.
  const record = JSON.parse(
    await readFile(join(rack.world.stateDirectory, "lab", "hosts", "lab-rack-master-1.json"), "utf8"),
  );
  expect(record).toMatchObject({ pinned: [rack.hosts[0]!.hostKey], oneTime: [], activated: true });
});

test("the second up() changes nothing anywhere", async () => {
  const before = rack.world.effects.all.length;
  const { plan } = await rack.cluster().up();
  expect(plan.unchanged).toBe(true);
  expect(rack.world.effects.all.slice(before)).toEqual([]);
});

test("a claim that was cut off is finished by the next up(), a release too", async () => {
  const path = "/etc/multicloud/claim.json";
  for (const state of ["preparing", "releasing"]) {
    const { files } = rack.machine("rack-2");
    files.write(path, files.read(path)!.replace('"ready"', `"${state}"`));
    const { nodes } = await rack.cluster().up();
    expect(
      nodes.every(({ ready }) => ready),
      state,
    ).toBe(true);
    expect(JSON.parse(rack.claim("rack-2")!), state).toMatchObject({
      node: "lab-rack-worker-1",
      state: "ready",
    });
    expect((await rack.cluster().plan()).unchanged, state).toBe(true);
  }
});

test("another cluster is refused by the host's name, and fewer hosts than asked for is a problem", async () => {
  const refused = await errorOf(rack.cluster("other").plan());
  expect(refused.code).toBe("CONFIG_INVALID");
  expect(refused.message).toContain(
    "the host rack-1 belongs to the cluster lab, site rack, as lab-rack-master-1",
  );
  expect(refused.message).toContain("sites.rack.masters.count");

  const before = rack.world.effects.all.length;
  const more = await errorOf(
    rack.cluster("lab", { workers: { count: 3, size: "as it is", image: "debian-12" } }).up(),
  );
  expect(more.message).toContain(
    "sites.rack.workers.count: 2 more workers needed, but no host is free for them",
  );
  expect(rack.world.effects.all.slice(before)).toEqual([]);
});

test("a host that is off and one with another key are named, and nothing is changed", async () => {
  const before = rack.world.effects.all.length;
  for (const [fault, code] of [
    ["unreachable", "HOST_UNREACHABLE"],
    ["other-host-key", "HOST_KEY_MISMATCH"],
  ] as const) {
    const right = rack.world.world.machines.fault("rack-2", fault);
    const error = await errorOf(rack.cluster().plan());
    right();
    expect(error.code).toBe(code);
    expect(error.message).toContain("rack-2");
    expect(error.site).toBe("rack");
  }
  // Looking is another matter: the silent host does not hide the others.
  const right = rack.world.world.machines.fault("rack-2", "unreachable");
  const { nodes, silent } = await rack.cluster().status();
  right();
  expect(Object.fromEntries(nodes.map(({ name, machine }) => [name, machine]))).toEqual({
    "lab-rack-master-1": "running",
    "lab-rack-worker-1": "unknown",
    "lab-ocean-worker-1": "running",
  });
  expect(silent).toMatchObject([{ site: "rack", error: { code: "HOST_UNREACHABLE" } }]);
  expect(silent[0]!.error.message).toContain("rack-2");
  expect(rack.world.effects.all.slice(before)).toEqual([]);
});

test("destroy() gives the hosts back as they were found, and deletes the droplet", async () => {
  const removed = await rack.cluster().destroy();
  expect(removed.machines.length).toBe(3);
  expect({ "rack-1": rack.state("rack-1"), "rack-2": rack.state("rack-2") }).toEqual(asFound);
  expect(rack.machine("rack-1").state).toBe("running");
  expect(rack.world.resources()).toEqual([]);
});

test("hosts behind a jump host of their own are reached through it", async () => {
  const login = await readFile(rack.privateKeyFile, "utf8");
  const inside = await Promise.all(
    [1, 2].map(async (n): Promise<StaticHost> => {
      const key = await generateKeyPair(`inner host ${n}`);
      rack.world.world.machines.boot({
        id: `inner-${n}`,
        hostname: `inner-${n}`,
        image: "debian-12",
        sshKeys: [await publicKeyOf(login, "owner")],
        lan: "home",
        privateAddress: `192.168.64.${200 + n}`,
        hostKeys: [key.privateKey],
      });
      const { jump } = rack.world.home;
      const address = `192.168.64.${200 + n}`;
      return { name: `inner-${n}`, address, user: "debian", hostKey: key.publicKey, jump };
    }),
  );
  const { nodes } = await rack.cluster("inner", { hosts: inside }).up();
  expect(nodes.every(({ ready }) => ready)).toBe(true);
  const { hosts: listed } = await rack.cluster("inner", { hosts: inside }).inventory();
  expect(listed.map(({ jump }) => jump.length)).toEqual([0, 1, 1]);
  const before = rack.world.effects.all.length;
  await rack.cluster("inner", { hosts: inside }).up();
  expect(rack.world.effects.all.slice(before)).toEqual([]);
  await rack.cluster("inner", { hosts: inside }).destroy();
  expect(rack.claim("inner-1")).toBeUndefined();
});

test("and they can become another cluster", async () => {
  const { nodes } = await rack.cluster("other").up();
  expect(nodes.every(({ ready }) => ready)).toBe(true);
  await rack.cluster("other").destroy();
  expect({ "rack-1": rack.state("rack-1"), "rack-2": rack.state("rack-2") }).toEqual(asFound);
});

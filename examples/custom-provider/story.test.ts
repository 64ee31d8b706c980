import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { multicloud } from "@multicloud/core";
import { digitalocean } from "@multicloud/provider-digitalocean";
import { rke } from "@multicloud/rke";
import { socks5Dialer } from "@multicloud/ssh";
import { instantTiming, type Sandbox, sandbox } from "@multicloud/testing";
import { zerotier } from "@multicloud/zerotier";
import { afterAll, beforeAll, expect, test } from "vitest";
import { folders } from "./folders.js";
import { hypervisor } from "./hypervisor.js";

let world: Sandbox;
let directory: string;
let machines: ReturnType<typeof hypervisor>;

beforeAll(async () => {
  world = await sandbox({ scale: 0, timing: instantTiming });
  directory = await mkdtemp(join(tmpdir(), "multicloud-folders-"));
  machines = hypervisor(directory, world.world);
});
afterAll(async () => {
  machines.stop();
  await world.close();
  for (const path of [directory, world.stateDirectory]) await rm(path, { recursive: true, force: true });
});

/** A cluster over a cloud of one's own and DigitalOcean. */
function cluster(workers = 2) {
  const { env, home } = world;
  const small = { size: "small", image: "debian-12" };
  return multicloud({
    name: "own",
    sites: {
      attic: {
        provider: folders({ directory }),
        masters: { count: 1, ...small },
        workers: { count: workers, ...small },
      },
      ocean: {
        provider: digitalocean({
          region: "fra1",
          token: env.DIGITALOCEAN_TOKEN!,
          baseURL: env.DIGITALOCEAN_API_URL!,
        }),
        workers: { count: 1, size: "s-1vcpu-2gb", image: "debian-12-x64" },
      },
    },
    overlay: zerotier({
      network: home.network,
      token: env.ZEROTIER_CENTRAL_TOKEN!,
      baseURL: env.ZEROTIER_CENTRAL_URL!,
    }),
    engine: rke({ binary: join(env.PATH!.split(":")[0]!, "rke") }),
    dialer: socks5Dialer(world.socks),
    state: join(world.stateDirectory, "own"),
    timing: { pollMs: 10 },
  });
}

const folderNames = async () =>
  (await readdir(join(directory, "own_attic"))).filter((name) => !name.includes("json")).sort();

// One cluster lives through this file, so the tests depend on their order.
test("a provider that nobody knows makes one cluster with another cloud", async () => {
  const { nodes, plan } = await cluster().up();
  expect(plan.counts.create).toBe(4);
  expect(nodes.map(({ name, ready }) => [name, ready])).toEqual([
    ["own-attic-master-1", true],
    ["own-attic-worker-1", true],
    ["own-attic-worker-2", true],
    ["own-ocean-worker-1", true],
  ]);
  expect(await folderNames()).toEqual(["own-attic-master-1", "own-attic-worker-1", "own-attic-worker-2"]);
});

test("the second up() changes nothing anywhere", async () => {
  const before = world.effects.all.length;
  const { plan } = await cluster().up();
  expect(plan.unchanged).toBe(true);
  expect(world.effects.all.slice(before)).toEqual([]);
});

test("a machine less is a folder less", async () => {
  const { nodes } = await cluster(1).up();
  expect(nodes.map(({ name }) => name)).not.toContain("own-attic-worker-2");
  expect(await folderNames()).toEqual(["own-attic-master-1", "own-attic-worker-1"]);
});

test("a mistake is told with the field and the nearest right value, before anything is made", async () => {
  const wrong = multicloud({
    name: "other",
    sites: {
      attic: {
        provider: folders({ directory }),
        masters: { count: 1, size: "smal", image: "debian-12" },
      },
    },
    overlay: zerotier({
      network: world.home.network,
      token: world.env.ZEROTIER_CENTRAL_TOKEN!,
      baseURL: world.env.ZEROTIER_CENTRAL_URL!,
    }),
    engine: rke({ binary: join(world.env.PATH!.split(":")[0]!, "rke") }),
    dialer: socks5Dialer(world.socks),
    state: join(world.stateDirectory, "other"),
  });
  await expect(wrong.plan()).rejects.toThrow(/sites\.attic\.masters\.size: unknown size/);
});

test("destroy() leaves nothing, neither folders nor droplets nor members", async () => {
  const { machines: removed } = await cluster(1).destroy();
  expect(removed).toHaveLength(3);
  expect(await readdir(directory)).toEqual([]);
  expect(world.resources()).toEqual([]);
});

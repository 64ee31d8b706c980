import { readdir, readFile, stat } from "node:fs/promises";
import { isIPv4 } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { filesBelow, type Lab, openLab } from "./lab.js";

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab.close());

const shape = { home: [1, 1], ramnode: [1, 0], digitalocean: [1, 1] } as const;
const names = [
  "lab-home-master-1",
  "lab-home-worker-1",
  "lab-ramnode-master-1",
  "lab-digitalocean-master-1",
  "lab-digitalocean-worker-1",
];

// One cluster lives through this file, so the tests depend on their order.
test("plan() on an empty world changes nothing anywhere and can be printed", async () => {
  const plan = await lab.cluster(shape).plan();
  expect(plan.counts).toEqual({ create: 5, replace: 0, delete: 0, keep: 0 });
  expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
  expect(lab.effects.all).toEqual([]);
  expect(lab.resources()).toEqual([]);
  expect(await readdir(lab.stateDirectory).catch(() => "nothing")).toBe("nothing");
});

test("status(), inventory() and destroy() of nothing are no errors and change nothing", async () => {
  const cluster = lab.cluster(shape);
  const status = await cluster.status();
  expect(status.api).toBe("none");
  expect(status.nodes.map(({ machine }) => machine)).toEqual(names.map(() => "missing"));
  expect((await cluster.inventory()).hosts).toEqual([]);
  expect(await cluster.destroy()).toEqual({ machines: [], members: [] });
  expect(lab.effects.all).toEqual([]);
});

test("up() makes one cluster of all sites", async () => {
  const { plan, nodes, kubeconfig, entrypoint, timings } = await lab.cluster(shape).up();
  expect(plan.counts.create).toBe(5);
  expect(nodes.map(({ name }) => name)).toEqual(names);
  for (const node of nodes) {
    expect(node).toMatchObject({ ready: true, version: "v1.30.5" });
    expect(isIPv4(node.overlayAddress), node.name).toBe(true);
    // Home is behind NAT: its machines have an address inside, the others one outside.
    expect(node.publicAddress !== undefined, node.name).toBe(node.site !== "home");
    expect(node.roles, node.name).toEqual(
      node.name.includes("master") ? ["controlplane", "etcd"] : ["worker"],
    );
  }
  expect(entrypoint).toEqual({ record: "*.apps.example.com", addresses: [lab.home.router] });
  expect(lab.resolve("hello.apps.example.com")).toEqual([lab.home.router]);
  expect(timings.steps.length).toBeGreaterThan(20);

  expect(kubeconfig).toBe(lab.state("lab", "kubeconfig"));
  expect((await stat(lab.state())).mode & 0o777).toBe(0o700);
  for (const { path, mode, isDirectory } of await filesBelow(lab.state()))
    expect([path, mode]).toEqual([path, isDirectory ? 0o700 : 0o600]);
});

test("up() again plans nothing and writes nothing, on any machine, service or file", async () => {
  const effects = lab.effects.all.length;
  const before = await filesBelow(lab.state());
  const { plan, nodes } = await lab.cluster(shape).up();
  expect(plan).toMatchObject({ unchanged: true, counts: { create: 0, replace: 0, delete: 0, keep: 5 } });
  expect(nodes.every(({ ready }) => ready)).toBe(true);
  expect(lab.effectsSince(effects)).toEqual([]);
  expect(await filesBelow(lab.state())).toEqual(before);
});

test("status() sees machines, overlay, Kubernetes and DNS", async () => {
  const effects = lab.effects.all.length;
  const status = await lab.cluster(shape).status();
  expect(status.api).toBe("answers");
  expect(status.entrypoint?.addresses).toEqual([lab.home.router]);
  expect(status.nodes.map(({ name }) => name)).toEqual(names);
  for (const node of status.nodes) {
    expect(node).toMatchObject({ machine: "running", ready: true, version: "v1.30.5" });
    expect(isIPv4(node.overlayAddress ?? ""), node.name).toBe(true);
  }
  expect(lab.effectsSince(effects)).toEqual([]);
});

test("inventory() speaks to Ansible, OpenSSH, Mermaid and anything that reads JSON", async () => {
  const inventory = await lab.cluster(shape).inventory();
  const { hosts } = JSON.parse(JSON.stringify(inventory)) as { hosts: { name: string; site: string }[] };
  expect(hosts.map(({ name }) => name).sort()).toEqual([...names].sort());

  const groups = groupsOf(inventory.ansible());
  expect(groups.masters).toEqual(["lab-digitalocean-master-1", "lab-home-master-1", "lab-ramnode-master-1"]);
  expect(groups.workers).toEqual(["lab-digitalocean-worker-1", "lab-home-worker-1"]);
  expect(groups.site_home).toEqual(["lab-home-master-1", "lab-home-worker-1"]);

  const config = inventory.sshConfig();
  expect(config).toContain("Host lab-home-worker-1\n");
  expect(config).toContain("StrictHostKeyChecking yes");
  expect(config.match(/ProxyCommand ssh .* -p 2222 -W %h:%p debian@203\.0\.113\.7/g)).toHaveLength(2);
  const [, file = ""] = /UserKnownHostsFile (\S+)/.exec(config) ?? [];
  expect((await readFile(file, "utf8")).match(/^lab-home-worker-1,\S+ ssh-/m)).not.toBeNull();

  const diagram = inventory.mermaid();
  expect(diagram.startsWith("flowchart LR\n")).toBe(true);
  for (const name of names) expect(diagram).toContain(`${name.replaceAll("-", "_")} --- overlay`);
});

test("destroy() leaves nothing, and may be repeated", async () => {
  const cluster = lab.cluster(shape);
  const { machines, members } = await cluster.destroy();
  expect([...machines].sort()).toEqual([...names].sort());
  expect([...members].sort()).toEqual([...names].sort());
  expect(lab.resources()).toEqual([]);
  expect(lab.resolve("hello.apps.example.com")).toEqual([]);
  expect(await filesBelow(lab.state())).toEqual([]);
  expect(lab.world.machines.all().map(({ spec }) => spec.hostname)).toEqual(["gateway"]);

  const effects = lab.effects.all.length;
  expect(await cluster.destroy()).toEqual({ machines: [], members: [] });
  expect(lab.effectsSince(effects)).toEqual([]);
});

function groupsOf(ini: string): Record<string, string[]> {
  const blocks = ini.trim().split("\n\n").slice(1);
  return Object.fromEntries(
    blocks.map((block) => {
      const [head = "", ...members] = block.split("\n");
      return [head.slice(1, -1), members];
    }),
  );
}

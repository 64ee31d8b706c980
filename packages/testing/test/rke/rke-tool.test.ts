import { spawn } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ssh2 from "ssh2";
import { afterEach, beforeEach, expect, test } from "vitest";
import { stringify } from "yaml";
import { createKubernetesClusters } from "../../src/kubernetes/kubernetes-cluster.js";
import { dockerModule } from "../../src/rke/docker/module.js";
import { createRkeTool, type RkeTool } from "../../src/rke/tool/rke-tool.js";
import { createWorld, type RunningWorld } from "../../src/world/create-world.js";

const pem = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({
  type: "pkcs1",
  format: "pem",
});
const parsed = ssh2.utils.parseKey(pem as string) as ssh2.ParsedKey;
const publicKey = `${parsed.type} ${parsed.getPublicSSH().toString("base64")}`;

let world: RunningWorld;
let clusters: ReturnType<typeof createKubernetesClusters>;
let tool: RkeTool;
let directory: string;

beforeEach(async () => {
  world = createWorld();
  clusters = createKubernetesClusters(world);
  tool = await createRkeTool(world, clusters);
  directory = await mkdtemp(join(tmpdir(), "rke-emulator-"));
  await writeFile(join(directory, "key"), pem, { mode: 0o600 });
  for (const index of [1, 2]) {
    const name = `n${index}`;
    const machine = world.machines.boot({
      id: name,
      hostname: name,
      image: "debian-12",
      loginUser: "root",
      publicAddress: `203.0.113.${index}`,
      sshKeys: [publicKey],
    });
    machine.addOverlayAddress("zt", `10.144.0.${index}`, "ztabc");
    dockerModule(world, clusters)
      .units?.find((unit) => unit.name === "docker")
      ?.start?.(machine);
  }
  await expect.poll(() => world.machines.all().every((machine) => machine.state === "running")).toBe(true);
});
afterEach(async () => {
  await tool.close();
  clusters.close();
  world.close();
  await rm(directory, { recursive: true, force: true });
});

const nodes = [
  {
    address: "203.0.113.1",
    internal_address: "10.144.0.1",
    hostname_override: "n1",
    user: "root",
    role: ["controlplane", "etcd"],
  },
  {
    address: "203.0.113.2",
    internal_address: "10.144.0.2",
    hostname_override: "n2",
    user: "root",
    role: ["worker"],
  },
];
const good = {
  cluster_name: "lab",
  ssh_key_path: "",
  kubernetes_version: "v1.30.5-rancher1-1",
  network: { plugin: "flannel", options: { flannel_iface: "ztabc" } },
  nodes,
};

async function rke(...args: string[]) {
  const child = spawn(tool.binary, args, { cwd: directory });
  let output = "";
  child.stdout.on("data", (chunk) => {
    output += chunk;
  });
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, output };
}

const configure = (config: object) =>
  writeFile(join(directory, "cluster.yml"), stringify({ ...config, ssh_key_path: join(directory, "key") }));
const readyNodes = () =>
  clusters.all().map((cluster) =>
    cluster
      .objects("Node")
      .map((node) => node.metadata.name)
      .sort(),
  );

test("tells its version, and refuses commands and flags that RKE does not have", async () => {
  expect(await rke("--version")).toEqual({ code: 0, output: "rke version v1.6.3\n" });
  expect((await rke("upp")).code).toBe(1);
  expect(await rke("up", "--ignore-docker")).toMatchObject({
    code: 1,
    output: expect.stringContaining("flag provided but not defined"),
  });
  expect((await rke("up")).output).toContain("Can not find cluster configuration file");
});

test.each([
  [{ nodes: [{ ...nodes[0], user: "" }] }, "User for host (1) is not provided"],
  [{ nodes: [{ ...nodes[0], role: ["master"] }] }, "Role [master] for host (1) is not recognized"],
  [{ nodes: [nodes[0], { ...nodes[1], address: "203.0.113.1" }] }, "duplicate node: 203.0.113.1"],
  [{ nodes: [nodes[1]] }, "at least one etcd plane host"],
  [{ kubernetes_version: "v1.99.0-rancher1-1" }, "unsupported Kubernetes version"],
  [{ authentication: { strategy: "webhook" } }, "must contain [x509]"],
  [{ network: { plugin: "flannel", mtu: 1400 } }, "does not support configuring MTU"],
])("refuses %j", async (change, message) => {
  await configure({ ...good, ...change });
  const { code, output } = await rke("up", "--config", "cluster.yml");
  expect(output).toContain(message);
  expect(output).toContain("level=fatal");
  expect(code).toBe(1);
});

test("makes a cluster, its files private, and drops unknown keys in silence", async () => {
  await configure({ ...good, services: { kube_api: { nonsense: true } } });
  const { code, output } = await rke("up", "--config", "cluster.yml");
  expect(output).toContain("Finished building Kubernetes cluster successfully");
  expect(code).toBe(0);
  expect(readyNodes()).toEqual([["n1", "n2"]]);
  for (const name of ["cluster.rkestate", "kube_config_cluster.yml"]) {
    expect((await stat(join(directory, name))).mode & 0o777).toBe(0o600);
  }
  const effects = world.effects.all.filter((effect) => effect.kind === "container").length;
  await rke("up", "--config", "cluster.yml");
  expect(world.effects.all.filter((effect) => effect.kind === "container").length).toBe(effects);
});

test("warns about a host that it cannot reach, goes on without it and exits 0", async () => {
  await configure(good);
  world.machines.stop("n2");
  const { code, output } = await rke("up", "--config", "cluster.yml");
  expect(output).toContain("Removing host [203.0.113.2] from node lists");
  expect(code).toBe(0);
  expect(readyNodes()).toEqual([["n1"]]);
});

test("without its state it makes a new authority, and the old kubeconfig is worth nothing", async () => {
  await configure(good);
  await rke("up", "--config", "cluster.yml");
  const before = await readFile(join(directory, "kube_config_cluster.yml"), "utf8");
  await rm(join(directory, "cluster.rkestate"));
  expect((await rke("up", "--config", "cluster.yml")).code).toBe(0);
  expect(await readFile(join(directory, "kube_config_cluster.yml"), "utf8")).not.toBe(before);
  expect(clusters.all()).toHaveLength(2);
});

test("gives back the state that the cluster holds", async () => {
  await configure(good);
  await rke("up", "--config", "cluster.yml");
  const state = await readFile(join(directory, "cluster.rkestate"), "utf8");
  await rm(join(directory, "cluster.rkestate"));
  expect((await rke("util", "get-state-file", "--config", "cluster.yml")).code).toBe(0);
  expect(await readFile(join(directory, "cluster.rkestate"), "utf8")).toBe(state);
});

test("removes a cluster only with --force", async () => {
  await configure(good);
  await rke("up", "--config", "cluster.yml");
  expect(await rke("remove", "--config", "cluster.yml")).toMatchObject({
    code: 0,
    output: expect.stringContaining("[y/n]"),
  });
  expect(readyNodes()).toEqual([["n1", "n2"]]);
  expect((await rke("remove", "--force", "--config", "cluster.yml")).code).toBe(0);
  expect(readyNodes()).toEqual([[]]);
  await expect(stat(join(directory, "cluster.rkestate"))).rejects.toThrow();
  expect(world.machines.get("n1")?.files.exists("/etc/kubernetes/ssl/kube-ca.pem")).toBe(false);
});

test("killed, it stops where it is", async () => {
  await configure(good);
  const child = spawn(tool.binary, ["up", "--config", "cluster.yml"], { cwd: directory });
  const closed = new Promise((resolve) => child.once("close", resolve));
  const unlisten = world.effects.listen(async ({ kind }) => {
    if (kind !== "certificate") return;
    child.kill("SIGKILL");
    await expect.poll(() => tool.running).toBe(0);
  });
  await closed;
  await expect.poll(() => tool.running).toBe(0);
  unlisten();
  expect(world.effects.all.filter(({ kind }) => kind === "container")).toEqual([]);
  expect((await rke("up", "--config", "cluster.yml")).code).toBe(0);
  expect(readyNodes()).toEqual([["n1", "n2"]]);
});

test("says what it cannot reach between the nodes", async () => {
  await configure({ ...good, nodes: [nodes[0], { ...nodes[1], internal_address: "10.144.0.9" }] });
  const { code, output } = await rke("up", "--config", "cluster.yml");
  expect(output).toContain("is not able to connect to the following ports: [10.144.0.9:10250]");
  expect(code).toBe(1);
});

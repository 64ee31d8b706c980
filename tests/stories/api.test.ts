import { readFile } from "node:fs/promises";
import type { Dialer, RunEvent } from "@multicloud/core";
import { cloudflare } from "@multicloud/dns-cloudflare";
import { connect } from "@multicloud/kubernetes";
import { socks5Dialer } from "@multicloud/ssh";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { errorOf, type Lab, openLab } from "./lab.js";

const shape = { home: [0, 1], ramnode: [2, 0], digitalocean: [1, 1] } as const;
const masters = ["lab-ramnode-master-1", "lab-ramnode-master-2", "lab-digitalocean-master-1"];
const name = "api.example.com";

let lab: Lab;
const machineOf = (node: string) => {
  const machine = lab.world.machines.all().find(({ spec }) => spec.hostname === node);
  if (!machine) throw new Error(`no machine ${node}`);
  return machine;
};
const publicAddresses = (nodes: readonly string[]) =>
  nodes.map((node) => machineOf(node).spec.publicAddress ?? "").sort();
const api = () =>
  cloudflare({
    zone: lab.home.zone,
    record: "api",
    token: lab.env.CLOUDFLARE_API_TOKEN!,
    baseURL: lab.env.CLOUDFLARE_BASE_URL!,
  });
const cluster = () => lab.cluster(shape, { api: api() });

beforeAll(async () => {
  lab = await openLab();
  await cluster().up();
});
afterAll(() => lab.close());

/** Asks as kubectl would: it takes the addresses that public DNS gives for the server, and none other. */
async function nodesBy(kubeconfig: string, pick: (addresses: readonly string[]) => string | undefined) {
  const dial = socks5Dialer(lab.socks);
  const dialer: Dialer = (target, options) => {
    const host = /^[\d.]+$/.test(target.host) ? target.host : pick(lab.resolve(target.host));
    return dial({ ...target, host: host ?? "" }, { timeoutMs: 2_000, ...options });
  };
  const client = await connect(kubeconfig, { dialer });
  try {
    return (await client.nodes()).map((node) => node.name);
  } finally {
    await client.close();
  }
}
const kept = () => readFile(lab.state("lab", "kubeconfig"), "utf8");
const serverOf = (kubeconfig: string) => parse(kubeconfig).clusters[0].cluster.server;

test("the API's name holds all masters, stands in their certificate and in the kubeconfig", async () => {
  expect([...lab.resolve(name)].sort()).toEqual(publicAddresses(masters));
  const kubeconfig = await kept();
  expect(serverOf(kubeconfig)).toBe(`https://${name}:6443`);
  const clusterYml = parse(await readFile(lab.state("lab", "engine", "cluster.yml"), "utf8"));
  expect(clusterYml.authentication.sans).toContain(name);
  for (let index = 0; index < masters.length; index++)
    expect(await nodesBy(kubeconfig, (addresses) => addresses[index])).toHaveLength(5);
});

test("a node that is no master reaches the API through all masters", async () => {
  const { nodes } = await cluster().status();
  const overlay = nodes.filter(({ role }) => role === "master").map(({ overlayAddress }) => overlayAddress);
  for (const worker of nodes.filter(({ role }) => role === "worker")) {
    const docker = machineOf(worker.name).attachments.get("docker") as {
      containers: ReadonlyMap<string, { name: string; spec: { environment: Record<string, string> } }>;
    };
    const proxy = [...docker.containers.values()].find((container) => container.name === "nginx-proxy");
    expect(proxy?.spec.environment.CP_HOSTS?.split(",").sort(), worker.name).toEqual([...overlay].sort());
  }
});

test("a second up() changes nothing", async () => {
  const effects = lab.effects.all.length;
  const { api: record } = await cluster().up();
  expect(record).toEqual({ record: name, addresses: publicAddresses(masters) });
  expect(lab.effectsSince(effects)).toEqual([]);
});

test.each(masters)("%s dies: the watch takes it out of the name, and kubectl goes on", async (victim) => {
  const others = masters.filter((node) => node !== victim);
  const stop = new AbortController();
  const watch = cluster().entrypoint.watch({
    signal: stop.signal,
    intervalMs: 5,
    probeMs: 3_000,
    refreshMs: 50,
  });
  const switches: Extract<RunEvent, { type: "entrypoint-switch" }>[] = [];
  const { id } = machineOf(victim).spec;
  lab.world.network.setMachinePower(id, false);
  for await (const event of watch) {
    if (event.type !== "entrypoint-switch" || event.record !== name) continue;
    switches.push(event);
    if (switches.length === 1) {
      expect([...lab.resolve(name)].sort()).toEqual(publicAddresses(others));
      const kubeconfig = await kept();
      for (let index = 0; index < others.length; index++)
        expect(await nodesBy(kubeconfig, (addresses) => addresses[index])).toHaveLength(5);
      lab.world.network.setMachinePower(id, true);
    } else stop.abort();
  }
  expect(await watch).toBeUndefined();
  expect(switches[0]?.reason).toBe(`${publicAddresses([victim])[0]} did not answer`);
  expect([...lab.resolve(name)].sort()).toEqual(publicAddresses(masters));
});

test("kubeconfig() names the server that is asked for", async () => {
  const given = await cluster().kubeconfig();
  expect(given).toBe(await kept());
  for (const node of masters) {
    const document = await cluster().kubeconfig({ server: node });
    expect(serverOf(document)).toBe(`https://${machineOf(node).spec.publicAddress}:6443`);
    expect(await nodesBy(document, () => undefined)).toHaveLength(5);
  }
  expect(serverOf(await cluster().kubeconfig({ server: "api" }))).toBe(`https://${name}:6443`);
  // Whoever listens there is verified by a name that every such certificate has.
  const tunnel = parse(await cluster().kubeconfig({ server: "lb.internal:7443" })).clusters[0].cluster;
  expect(tunnel).toMatchObject({ server: "https://lb.internal:7443", "tls-server-name": "kubernetes" });
});

test("kubeconfig() refuses a node that is no master", async () => {
  expect(await errorOf(cluster().kubeconfig({ server: "lab-ramnode-mastr-2" }))).toMatchObject({
    code: "CONFIG_INVALID",
    problems: [{ path: "server", suggestion: "lab-ramnode-master-2" }],
  });
  expect(await errorOf(lab.cluster(shape).kubeconfig({ server: "api" }))).toMatchObject({
    code: "NOT_FOUND",
  });
  expect(await errorOf(lab.cluster(shape, { name: "other" }).kubeconfig())).toMatchObject({
    code: "NOT_FOUND",
  });
});

test("one record cannot be both names, and a wildcard cannot be the API's", () => {
  const dns = (record: string) => ({ ...api(), record });
  expect(() => lab.cluster(shape, { api: dns("*.apps.example.com") })).toThrow(/wildcard[\s\S]*record too/);
});

test("a master that leaves is taken out of the name before its machine goes", async () => {
  const effects = lab.effects.all.length;
  const leaving = publicAddresses(["lab-ramnode-master-2"])[0];
  await lab.cluster({ ...shape, ramnode: [1, 0] }, { api: api() }).up();
  expect(lab.resolve(name)).not.toContain(leaving);
  const since = lab.effectsSince(effects);
  const record = since.findIndex((effect) => effect.startsWith("cloudflare"));
  const machine = since.findIndex((effect) => effect.includes("server delete lab-ramnode-master-2"));
  expect(record).toBeGreaterThanOrEqual(0);
  expect(record).toBeLessThan(machine);
});

test("destroy() removes the name", async () => {
  await lab.cluster({ ...shape, ramnode: [1, 0] }, { api: api() }).destroy();
  expect(lab.resolve(name)).toEqual([]);
});

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EngineContext, EngineNode, Report } from "@multicloud/core/plugin";
import { connect as connectKubernetes } from "@multicloud/kubernetes";
import { connect as connectSsh, generateKeyPair } from "@multicloud/ssh";
import { afterAll, beforeAll, expect, test } from "vitest";
import { applyFragment } from "../../core/src/fragment/apply-fragment.js";
import { directoryStore } from "../../core/src/state/directory-store.js";
import { createKubernetesClusters } from "../../testing/src/kubernetes/kubernetes-cluster.js";
import { dockerModule } from "../../testing/src/rke/docker/module.js";
import { createRkeTool } from "../../testing/src/rke/tool/rke-tool.js";
import { createWorld } from "../../testing/src/world/create-world.js";
import { rke } from "../src/index.js";

// The whole way: node preparation over SSH on emulated Debian machines, Docker's group and socket, RKE, and a
// client of the emulated Kubernetes API.
const world = createWorld();
const clusters = createKubernetesClusters(world);
world.machines.use(dockerModule(world, clusters));
const dialer: EngineContext["dialer"] = (target, options) => world.network.dial({}, target, options?.signal);
const reports: Report[] = [];
const nodes: EngineNode[] = [];
let directory: string;
let tool: Awaited<ReturnType<typeof createRkeTool>>;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "rke-machines-"));
  tool = await createRkeTool(world, clusters);
  const operator = await generateKeyPair("test");
  await writeFile(join(directory, "key"), operator.privateKey, { mode: 0o600 });
  for (const [index, name] of ["lab-a-master-1", "lab-a-worker-1"].entries()) {
    const address = `203.0.113.${index + 1}`;
    const hostKey = await generateKeyPair("test");
    const machine = world.machines.boot({
      id: name,
      hostname: name,
      image: "debian-12",
      publicAddress: address,
      sshKeys: [operator.publicKey],
      hostKeys: [hostKey.privateKey],
    });
    const overlayAddress = `10.144.0.${index + 1}`;
    machine.addOverlayAddress("zt", overlayAddress, "ztabc");
    const options = {
      host: address,
      user: "debian",
      privateKey: operator.privateKey,
      hostKeys: [hostKey.publicKey],
      dialer,
    };
    nodes.push({
      name,
      site: "a",
      role: index === 0 ? "master" : "worker",
      labels: { "topology.kubernetes.io/region": "a" },
      jump: [],
      address,
      port: 22,
      user: "debian",
      publicAddress: address,
      overlayAddress,
      overlayInterface: "ztabc",
      host: await connectSsh(options),
      probe: async (signal) => (await connectSsh({ ...options, signal })).close(),
    });
  }
});

afterAll(async () => {
  for (const node of nodes) await node.host.close();
  await tool.close();
  clusters.close();
  world.close();
  await rm(directory, { recursive: true, force: true });
});

test("prepares machines and makes a cluster of them, once", async () => {
  const engine = rke({ binary: tool.binary, dockerDns: ["9.9.9.9"], disableIpv6: true, attempts: 1 });
  for (const node of nodes) {
    const fragment = engine.prepare(node, node.user);
    const first = await applyFragment(node.host, fragment);
    expect(first.changed).toContain("package docker.io");
  }
  const context: EngineContext = {
    cluster: "lab",
    signal: AbortSignal.timeout(60_000),
    dialer,
    report: (report) => void reports.push(report),
    state: directoryStore(join(directory, "state")),
    privateKeyFile: join(directory, "key"),
    knownHostsFile: join(directory, "known_hosts"),
    // As core does: the client dials as the run does.
    kubernetes: (kubeconfig) => connectKubernetes(kubeconfig, { dialer }),
  };
  const first = await engine.up(context, nodes);
  expect(first.changed).toBe(true);
  const api = await connectKubernetes(first.kubeconfig, { dialer });
  expect(await api.nodes()).toMatchObject([
    { name: "lab-a-master-1", ready: true, internalAddress: "10.144.0.1" },
    { name: "lab-a-worker-1", ready: true, internalAddress: "10.144.0.2" },
  ]);
  await api.close();
  const effects = world.effects.all.length;
  expect((await engine.up(context, nodes)).changed).toBe(false);
  expect(world.effects.all.slice(effects)).toEqual([]);

  // A machine that was off comes back with its containers, and the cluster with it.
  world.machines.stop("lab-a-master-1");
  await nodes[0]?.host.close();
  world.machines.start("lab-a-master-1");
  await expect
    .poll(() =>
      world.network.dial({}, { host: "203.0.113.1", port: 6443 }).then(
        (stream) => !!stream.destroy(),
        () => false,
      ),
    )
    .toBe(true);
});

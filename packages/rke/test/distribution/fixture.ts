import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ClusterEngine, EngineContext, EngineNode, Report } from "@multicloud/core/plugin";
import { connect as connectKubernetes } from "@multicloud/kubernetes";
import { connect as connectSsh, generateKeyPair } from "@multicloud/ssh";
import { applyFragment } from "../../../core/src/fragment/apply-fragment.js";
import { directoryStore } from "../../../core/src/state/directory-store.js";
import { createDistributions } from "../../../testing/src/distribution/module.js";
import { createKubernetesClusters } from "../../../testing/src/kubernetes/kubernetes-cluster.js";
import { createWorld } from "../../../testing/src/world/create-world.js";
import type { VirtualMachine } from "../../../testing/src/world/machines.js";
import { instantTiming } from "../../../testing/src/world/timing.js";

/** Options of the engines under test: nothing waits in real time. */
export const quick = { attempts: 3, retryDelayMs: 5 } as const;

export type Fixture = Awaited<ReturnType<typeof setUp>>;

/** Emulated Debian machines on one overlay, prepared by an engine, and what the engine is called with. */
export async function setUp(engine: ClusterEngine, names: readonly string[]) {
  const directory = await mkdtemp(join(tmpdir(), "distribution-test-"));
  const world = createWorld({ timing: instantTiming });
  const clusters = createKubernetesClusters(world);
  const distributions = createDistributions(world, clusters);
  world.machines.use(distributions.module);
  const [operator, hostKey] = await Promise.all([generateKeyPair("operator"), generateKeyPair("host")]);
  const privateKeyFile = join(directory, "key");
  await writeFile(privateKeyFile, operator.privateKey, { mode: 0o600 });
  const dialer: EngineContext["dialer"] = (target, options) =>
    world.network.dial({}, target, options?.signal);
  const reports: Report[] = [];
  const opened: EngineNode[] = [];
  let machinesMade = 0;

  /** Makes the machine of a node; one of the same name before it is destroyed first. */
  async function addNode(name: string, overrides: Partial<EngineNode> = {}): Promise<EngineNode> {
    machinesMade += 1;
    const index = machinesMade;
    world.machines.destroy(name);
    const address = `203.0.113.${index}`;
    const machine = world.machines.boot({
      id: name,
      hostname: name,
      image: "debian-12",
      publicAddress: address,
      sshKeys: [operator.publicKey],
      hostKeys: [hostKey.privateKey],
    });
    const overlayAddress = `10.144.0.${index}`;
    machine.addOverlayAddress("zt", `${overlayAddress}/24`, "ztabc");
    const options = {
      host: address,
      user: "debian",
      privateKey: operator.privateKey,
      hostKeys: [hostKey.publicKey],
      dialer,
    };
    const node: EngineNode = {
      name,
      site: name.split("-")[1] ?? "",
      role: name.includes("master") ? "master" : "worker",
      labels: { "topology.kubernetes.io/region": name.split("-")[1] ?? "" },
      jump: [],
      address,
      port: 22,
      user: "debian",
      publicAddress: address,
      overlayAddress,
      overlayInterface: "ztabc",
      host: await connectSsh(options),
      probe: async (signal) => (await connectSsh({ ...options, signal })).close(),
      ...overrides,
    };
    opened.push(node);
    await applyFragment(node.host, engine.prepare(node, node.user));
    return node;
  }

  const nodes: EngineNode[] = [];
  for (const name of names) nodes.push(await addNode(name));
  const stateDirectory = join(directory, "state");
  const machine = (name: string): VirtualMachine => world.machines.get(name)!;

  function context(overrides: Partial<EngineContext> = {}): EngineContext {
    return {
      cluster: "lab",
      signal: AbortSignal.timeout(30_000),
      dialer,
      report: (report) => void reports.push(report),
      state: directoryStore(stateDirectory),
      privateKeyFile,
      knownHostsFile: join(directory, "known_hosts"),
      kubernetes: (kubeconfig) => connectKubernetes(kubeconfig, { dialer }),
      ...overrides,
    };
  }

  return {
    world,
    engine,
    distributions,
    nodes,
    reports,
    stateDirectory,
    privateKeyFile,
    machine,
    addNode,
    context,
    node: (name: string): EngineNode => nodes.find((one) => one.name === name)!,
    up: (wanted: readonly EngineNode[] = nodes, overrides: Partial<EngineContext> = {}) =>
      engine.up(context(overrides), wanted),
    /** The one cluster; more than one is a failure. */
    cluster() {
      const all = distributions.clusters();
      if (all.length !== 1) throw new Error(`there are ${all.length} clusters`);
      return all[0]!;
    },
    nodeNames: () =>
      distributions
        .clusters()
        .flatMap(({ kubernetes }) => kubernetes.objects("Node").map(({ metadata }) => metadata.name))
        .sort(),
    effectsSince: (count: number) =>
      world.effects.all
        .slice(count)
        .map(({ service, kind, action, name }) => `${service} ${kind} ${action} ${name}`),
    logs: () => reports.flatMap((report) => (report.type === "log" ? [report.message] : [])),
    config: (name: string, distribution = "k3s") =>
      machine(name).files.read(`/etc/rancher/${distribution}/config.yaml`) ?? "",
    loseState: () => rm(stateDirectory, { recursive: true, force: true }),
    async close() {
      for (const node of opened) await node.host.close().catch(() => {});
      clusters.close();
      await world.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** The error that something ends with. */
export async function errorOf(work: Promise<unknown>) {
  const { MulticloudError } = await import("@multicloud/core/plugin");
  try {
    await work;
  } catch (error) {
    if (MulticloudError.isInstance(error)) return error;
    throw error;
  }
  throw new Error("was expected to fail");
}

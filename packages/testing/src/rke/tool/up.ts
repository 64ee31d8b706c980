import { stat } from "node:fs/promises";
import { type CertificatesBundle, completeBundle } from "../certificates/bundle.js";
import { imagesOf } from "../images.js";
import { cleanHost } from "./clean-host.js";
import { type ClusterFile, type FileNode, filesOf, readClusterFile } from "./cluster-file.js";
import type { CommandLine } from "./command.js";
import { type Host, tunnelHosts } from "./hosts.js";
import { adminKubeconfig } from "./kubeconfig.js";
import {
  certificateEnvironment,
  controlPlan,
  daemonSetPlan,
  etcdPlan,
  type Plan,
  workerPlan,
} from "./plan.js";
import { checkPorts } from "./port-check.js";
import { Fatal, type Log, type ToolCall } from "./run.js";
import { readStateFile, type StatePart, statePart, writeToolFile } from "./state-file.js";

/** `rke up`. */
export async function upCluster(call: ToolCall, line: CommandLine, log: Log): Promise<void> {
  await log.info("Initiating Kubernetes cluster");
  const paths = filesOf(call.cwd, line.config);
  const file = await readClusterFile(paths.config);
  await requireIncludes(file);
  const before = await readStateFile(paths.state);
  const known = before?.desiredState.certificatesBundle;
  if (!known) await log.info("[certificates] Generating CA kubernetes certificates");
  const bundle = await completeBundle(file, known);
  await buildCluster(call, log, { line, paths, file, bundle, currentState: before?.currentState ?? {} });
}

/** What there is to build, and what was there before. */
export interface ClusterBuild {
  readonly line: CommandLine;
  readonly paths: ReturnType<typeof filesOf>;
  readonly file: ClusterFile;
  readonly bundle: CertificatesBundle;
  readonly currentState: StatePart;
}

/** The part of `rke up` that restoring and rotating certificates end with too. */
export async function buildCluster(
  call: ToolCall,
  log: Log,
  { line, paths, file, bundle, currentState }: ClusterBuild,
): Promise<void> {
  const { world, signal } = call;
  const step = () => world.clock.sleep(world.timing.engineStepMs, signal);
  const desiredState = statePart(file, bundle);
  await writeToolFile(call, paths.state, JSON.stringify({ desiredState, currentState }, null, 2));
  await log.info(`Successfully Deployed state file at [${paths.state}]`);

  await log.info("Building Kubernetes cluster");
  const reach = { world, signal, log };
  const hosts = await tunnelHosts(reach, file, file.nodes, line.flags.has("ignore-docker-version"));
  try {
    requirePlanes(hosts);
    const previous = currentState.rkeConfig?.nodes ?? [];
    const isNew = ({ node }: Host) => !previous.some((old) => old.address === node.address);
    if (!line.flags.has("disable-port-check") && hosts.some(isNew)) await checkPorts(file, hosts, log);
    else await log.info("[network] No hosts added existing cluster, skipping port check");

    await log.info("[certificates] Deploying kubernetes certificates to Cluster nodes");
    await deployCertificates(call, file, bundle, hosts);
    await writeToolFile(call, paths.kubeconfig, adminKubeconfig(file, bundle));
    await log.info(`Successfully Deployed local admin kubeconfig at [${paths.kubeconfig}]`);
    await step();

    await runPlan(call, log, "etcd", hosts, (node) => etcdPlan(file, node, bundle));
    await runPlan(call, log, "controlplane", hosts, (node) => controlPlan(file, node, bundle));
    await removeLeftNodes(call, log, file, bundle, previous);
    await step();
    await runPlan(call, log, "worker", hosts, (node) => workerPlan(file, node, bundle));
    await step();

    const cluster = call.clusters.forCertificateAuthority(bundle["kube-ca"]!.certificatePEM);
    for (const { node } of hosts) {
      const former = previous.find((old) => old.hostname_override === node.hostname_override)?.taints ?? [];
      cluster.syncTaints(node.hostname_override, former, node.taints);
    }

    const state = JSON.stringify({ desiredState, currentState: desiredState }, null, 2);
    await writeToolFile(call, paths.state, state);
    call.states.set(bundle["kube-ca"]!.certificatePEM, state);
    await log.info("[network] Setting up network plugin: flannel");
    await Promise.all(
      hosts.map(async ({ node, docker }) => {
        for (const [name, container] of daemonSetPlan(file, node, bundle)) {
          signal.throwIfAborted();
          // A DaemonSet whose pod fails is no failure of the job that applied it.
          await docker.ensure(name, container);
        }
      }),
    );
    await log.info("[addons] Executing deploy job rke-coredns-addon");
    if (file.ingress) await log.info("[ingress] Setting up nginx ingress controller");
    for (const include of file.addonsInclude)
      await log.info(`[addons] Adding addon from ${include} to the addons job`);
    await step();
    await log.info("[addons] Setting up user addons");
    await world.effects.record({ service: "rke", kind: "engine", action: "run", name: file.clusterName });
    await log.info("Finished building Kubernetes cluster successfully");
  } finally {
    for (const host of hosts) host.close();
  }
}

async function requireIncludes(file: ClusterFile): Promise<void> {
  for (const include of file.addonsInclude) {
    if (/^https?:/.test(include)) continue;
    await stat(include).catch((error: Error) => {
      throw new Fatal(`Failed to get cluster addons: ${error.message}`);
    });
  }
}

function requirePlanes(hosts: readonly Host[]): void {
  for (const [role, name] of [
    ["etcd", "etcd"],
    ["controlplane", "control"],
  ] as const) {
    if (hosts.some(({ node }) => node.role.includes(role))) continue;
    throw new Fatal(
      `Cluster must have at least one ${name} plane host: failed to connect to the following ${name} plane hosts`,
    );
  }
}

async function deployCertificates(
  { signal }: ToolCall,
  file: ClusterFile,
  bundle: CertificatesBundle,
  hosts: readonly Host[],
): Promise<void> {
  const image = imagesOf(file.version)!.tools;
  await Promise.all(
    hosts.map(async ({ node, docker }) => {
      signal.throwIfAborted();
      const environment = certificateEnvironment(node, bundle);
      await docker.runJob("cert-deployer", {
        image,
        environment,
        binds: ["/etc/kubernetes:/etc/kubernetes"],
      });
    }),
  );
}

async function runPlan(
  { signal }: ToolCall,
  log: Log,
  plane: string,
  hosts: readonly Host[],
  planOf: (node: FileNode) => Plan,
): Promise<void> {
  await log.info(`[${plane}] Building up ${plane} plane..`);
  await Promise.all(
    hosts.map(async ({ node, docker }) => {
      for (const [name, container] of planOf(node)) {
        signal.throwIfAborted();
        if ((await docker.ensure(name, container)) === "started") {
          await log.info(`[${plane}] Successfully started [${name}] container on host [${node.address}]`);
        }
        const failure = await docker.failureOf(name);
        if (failure === undefined) continue;
        throw new Fatal(
          `[${plane}] Failed to bring up ${plane} plane: service [${name}] is not healthy on host [${node.address}]. log: ${failure}`,
        );
      }
    }),
  );
  await log.info(`[${plane}] Successfully started ${plane} plane..`);
}

async function removeLeftNodes(
  call: ToolCall,
  log: Log,
  file: ClusterFile,
  bundle: CertificatesBundle,
  previous: readonly FileNode[],
): Promise<void> {
  const left = previous.filter((old) => !file.nodes.some((node) => node.address === old.address));
  if (left.length === 0) return;
  const cluster = call.clusters.forCertificateAuthority(bundle["kube-ca"]!.certificatePEM);
  for (const { address, hostname_override } of left) {
    await log.info(`[hosts] Removing host [${address}] from the cluster`);
    // A replacement can have the name of the node that it replaces.
    if (!file.nodes.some((node) => node.hostname_override === hostname_override))
      cluster.removeNode(hostname_override);
    await call.world.effects.record({
      service: "rke",
      kind: "node",
      action: "delete",
      name: hostname_override,
    });
  }
  const hosts = await tunnelHosts({ ...call, log }, file, left, true);
  try {
    for (const host of hosts) await cleanHost(host, file.version);
  } finally {
    for (const host of hosts) host.close();
  }
}

import { rm } from "node:fs/promises";
import { cleanHost } from "./clean-host.js";
import { filesOf, readClusterFile } from "./cluster-file.js";
import type { CommandLine } from "./command.js";
import { tunnelHosts } from "./hosts.js";
import type { Log, ToolCall } from "./run.js";
import { readStateFile } from "./state-file.js";

/** `rke remove`. Without `--force` it asks, and takes no answer for no. */
export async function removeCluster(call: ToolCall, line: CommandLine, log: Log): Promise<void> {
  if (!line.flags.has("force")) {
    await call.print("Are you sure you want to remove Kubernetes cluster [y/n]: ");
    return;
  }
  const paths = filesOf(call.cwd, line.config);
  const file = await readClusterFile(paths.config);
  const state = await readStateFile(paths.state);
  await log.info("Tearing down Kubernetes cluster");
  const hosts = await tunnelHosts({ ...call, log }, file, file.nodes, true);
  try {
    const ca = state?.desiredState.certificatesBundle?.["kube-ca"]?.certificatePEM;
    const cluster = ca === undefined ? undefined : call.clusters.forCertificateAuthority(ca);
    await Promise.all(
      hosts.map(async (host) => {
        call.signal.throwIfAborted();
        await log.info(`[hosts] Cleaning up host [${host.node.address}]`);
        await cleanHost(host, file.version);
        cluster?.removeNode(host.node.hostname_override);
      }),
    );
  } finally {
    for (const host of hosts) host.close();
  }
  call.signal.throwIfAborted();
  for (const path of [paths.state, paths.kubeconfig]) {
    await log.info(`Removing file: ${path}`);
    await rm(path, { force: true });
  }
  await call.world.effects.record({
    service: "rke",
    kind: "engine",
    action: "delete",
    name: file.clusterName,
  });
  await log.info("Cluster removed successfully");
}

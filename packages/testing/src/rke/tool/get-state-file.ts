import { writeFile } from "node:fs/promises";
import { imagesOf } from "../images.js";
import { filesOf, readClusterFile } from "./cluster-file.js";
import type { CommandLine } from "./command.js";
import { tunnelHosts } from "./hosts.js";
import { Fatal, type Log, type ToolCall } from "./run.js";

/** `rke util get-state-file`: writes the state that the cluster itself holds beside `cluster.yml`. */
export async function getStateFile(call: ToolCall, line: CommandLine, log: Log): Promise<void> {
  const files = filesOf(call.cwd, line.config);
  const file = await readClusterFile(files.config);
  const reach = { world: call.world, signal: call.signal, log };
  const masters = file.nodes.filter((node) => node.role.includes("controlplane"));
  const hosts = await tunnelHosts(reach, file, masters, true);
  try {
    for (const { docker } of hosts) {
      const image = imagesOf(file.version)!.tools;
      const { code, logs } = await docker.runJob("cert-fetcher", {
        image,
        binds: ["/etc/kubernetes:/etc/kubernetes:z"],
      });
      const state = code === 0 ? call.states.get(logs) : undefined;
      if (state === undefined) continue;
      call.signal.throwIfAborted();
      await writeFile(files.state, state, { mode: 0o600 });
      await log.info(`Successfully Deployed state file at [${files.state}]`);
      return;
    }
    throw new Fatal('Failed to get state file from cluster: configmaps "full-cluster-state" not found');
  } finally {
    for (const host of hosts) host.close();
  }
}

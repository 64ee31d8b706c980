import type { SiteContext } from "@multicloud/core/plugin";
import type { Port } from "./client/index.js";
import type { Cloud } from "./cloud.js";
import { isThere } from "./known-servers.js";
import { deleteMarkedVolumes } from "./left-volumes.js";
import { isNodeMark, isOurServer, nodeMark, portMark } from "./marks.js";

/**
 * Takes away what belongs to machines that are not there: a port and a floating IP that were made for one which
 * then was not, or which somebody deleted behind our back, and volumes of failed builds. All are found by their
 * mark. Each run comes by here before it makes machines, so nothing of a killed one outlives the next.
 */
export async function removeLeftovers(cloud: Cloud, context: SiteContext): Promise<void> {
  await Promise.all([
    removePorts(cloud, context, "unused"),
    deleteMarkedVolumes(cloud, context, 0).catch((error: unknown) => {
      // Machines may need no volumes: a block storage that does not answer must not stop them.
      if (context.signal.aborted) throw error;
      const message = `volumes of failed builds were not looked for: ${(error as Error).message}`;
      context.report({ type: "log", level: "warn", message });
    }),
  ]);
}

/** The same when no machine of the site is left: nothing of it is in use any more. */
export async function removeAllLeftovers(cloud: Cloud, context: SiteContext): Promise<void> {
  const waitMs = cloud.options.releaseTimeoutMs ?? 180_000;
  await Promise.all([removePorts(cloud, context, "all"), deleteMarkedVolumes(cloud, context, waitMs)]);
}

async function removePorts(cloud: Cloud, context: SiteContext, which: "unused" | "all"): Promise<void> {
  const { neutron } = cloud.client;
  const [ips, ports] = await Promise.all([neutron.listFloatingIps(context), neutron.listPorts(context)]);
  const ourIps = ips.filter(({ description }) => isNodeMark(context, description));
  const ourPorts = ports.filter(({ description }) => isNodeMark(context, description));
  if (ourIps.length + ourPorts.length === 0) return;
  const use = which === "all" ? unused : await useBy(cloud, context);
  const leftPorts = ourPorts.filter((port) => !use.port(port));
  const leftIds = new Set(leftPorts.map(({ id }) => id));
  for (const ip of ourIps) {
    // One that somebody took to another port is theirs for as long as the site is there.
    const isLeft = ip.port_id === null ? !use.description(ip.description) : leftIds.has(ip.port_id);
    if (isLeft || which === "all") await neutron.deleteFloatingIp(context, ip.id);
  }
  for (const port of leftPorts) await neutron.deletePort(context, port.id);
}

/** What the machines that are there have need of. */
interface Use {
  port(port: Port): boolean;
  /** Whether this is the mark of a machine that is there. */
  description(description: string): boolean;
}

const unused: Use = { port: () => false, description: () => false };

/** The machine's metadata says which port it has, long before Neutron does; Neutron also when the metadata is damaged. */
async function useBy(cloud: Cloud, context: SiteContext): Promise<Use> {
  const there = (await cloud.servers.list(context)).filter(isThere);
  const ours = there.filter((server) => isOurServer(context, server));
  const ids = new Set(there.map(({ id }) => id));
  const ports = new Set(ours.map(({ metadata }) => metadata[portMark]));
  const marks = new Set(ours.map(({ metadata }) => nodeMark(context, metadata["multicloud-node"] ?? "")));
  return {
    port: ({ id, device_id }) => ports.has(id) || ids.has(device_id),
    description: (description) => marks.has(description),
  };
}

import type { SiteContext } from "@multicloud/core/plugin";
import type { Cloud } from "./cloud.js";
import { isThere } from "./known-servers.js";
import { deleteMarkedVolumes } from "./left-volumes.js";
import { isNodeMark, isOurServer, portMark } from "./marks.js";

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
  const used = which === "all" ? new Set<string>() : await usedPorts(cloud, context);
  for (const ip of ourIps) {
    if (ip.port_id === null || !used.has(ip.port_id)) await neutron.deleteFloatingIp(context, ip.id);
  }
  for (const port of ourPorts) {
    if (!used.has(port.id)) await neutron.deletePort(context, port.id);
  }
}

/** Ports of the machines that are there: the machine's metadata says which, long before Neutron does. */
async function usedPorts(cloud: Cloud, context: SiteContext): Promise<ReadonlySet<string>> {
  const servers = await cloud.servers.list(context);
  return new Set(
    servers.flatMap((server) => {
      const port = isOurServer(context, server) && isThere(server) ? server.metadata[portMark] : undefined;
      return port === undefined ? [] : [port];
    }),
  );
}

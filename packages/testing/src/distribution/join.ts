import type { VirtualMachine } from "../world/machines.js";
import type { World } from "../world/world.js";
import type { DistributionCluster } from "./distribution-cluster.js";
import { canDial } from "./distribution-cluster.js";
import type { Flavour } from "./flavour.js";
import { StartFailure } from "./start-failure.js";

/** Where a running server keeps its cluster, for those who reach its machine. */
export const serverKey = (flavour: Flavour) => `${flavour.name} server`;

/** The cluster of a server at an address, seen from a machine; `undefined` when nothing answers there. */
export async function clusterAt(
  world: World,
  flavour: Flavour,
  machine: VirtualMachine,
  host: string,
  port: number,
): Promise<DistributionCluster | undefined> {
  if (port !== flavour.supervisorPort || !(await canDial(machine, host, port))) return undefined;
  const isSelf = /^(127\.|localhost$)/.test(host);
  const other = isSelf ? machine : world.machines.all().find((one) => one.addresses().includes(host));
  return other?.attachments.get(serverKey(flavour)) as DistributionCluster | undefined;
}

/** The cluster behind a `server` URL. Throws what a joining program says when it cannot be reached. */
export async function joinedCluster(
  world: World,
  flavour: Flavour,
  machine: VirtualMachine,
  urls: readonly string[],
): Promise<DistributionCluster> {
  for (const text of urls) {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url?.protocol !== "https:") throw new StartFailure(`invalid server url, failed to parse: ${text}`);
    const port = Number(url.port || 443);
    const cluster = await clusterAt(world, flavour, machine, url.hostname, port);
    if (cluster) return cluster;
  }
  throw new StartFailure(
    `failed to get CA certs: Get "${urls[0]}/cacerts": dial tcp: connect: connection refused`,
  );
}

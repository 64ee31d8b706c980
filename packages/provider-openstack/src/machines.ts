import type { Machine, SiteContext } from "@multicloud/core/plugin";
import { addressesOf } from "./addresses.js";
import type { Server } from "./client/index.js";
import type { Cloud } from "./cloud.js";
import { isPassingFault } from "./faults.js";
import { isOurServer, roleOf } from "./marks.js";
import type { OpenStackOptions } from "./options.js";
import { statusOf } from "./server-status.js";

/** Every machine of the site: one sweep over the project's servers, sorted out here. */
export async function listMachines(cloud: Cloud, context: SiteContext): Promise<readonly Machine[]> {
  const servers = await cloud.servers.list(context);
  const ours = servers.filter((server) => isOurServer(context, server) && !isGone(server));
  return (await Promise.all(ours.map((server) => withFault(cloud, context, server))))
    .map((server) => toMachine(server, cloud.options))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/**
 * A list leaves out why a server failed that no host was found for (Nova keeps those apart, in "cell0"); by
 * itself such a server tells.
 */
async function withFault(cloud: Cloud, context: SiteContext, server: Server): Promise<Server> {
  if (server.status !== "ERROR" || server.fault) return server;
  return (await cloud.client.nova.getServer(context, server.id)) ?? server;
}

/** A server as core sees it. */
export function toMachine(
  server: Server,
  options: Pick<OpenStackOptions, "publicNetwork" | "antiAffinity"> = {},
): Machine {
  const size = server.metadata["multicloud-size"] ?? server.flavor.original_name;
  const image = server.metadata["multicloud-image"] ?? (server.image ? server.image.id : undefined);
  const status = statusOf(server);
  const fault = status === "failed" ? faultOf(server, options) : undefined;
  return {
    id: server.id,
    name: server.metadata["multicloud-node"] ?? server.name,
    role: roleOf(server),
    spec: server.metadata["multicloud-spec"] ?? "",
    status,
    ...addressesOf(server, options.publicNetwork),
    ...(fault === undefined ? {} : { fault, retryable: isPassingFault(fault) }),
    ...(size === undefined ? {} : { size }),
    ...(image === undefined ? {} : { image }),
  };
}

function faultOf(server: Server, { antiAffinity }: Pick<OpenStackOptions, "antiAffinity">): string {
  const fault = server.fault?.message.trim() ?? "the cloud gives no reason";
  if (antiAffinity !== "hard" || !/no valid host/i.test(fault)) return fault;
  return `${fault} (antiAffinity "hard" wants a host of its own for each ${roleOf(server)}; "soft" shares them where there are too few)`;
}

/** Deleted servers may be shown for a while, in clouds that keep them for reclaiming too. */
function isGone(server: Server): boolean {
  return server.status === "DELETED" || server.status === "SOFT_DELETED";
}

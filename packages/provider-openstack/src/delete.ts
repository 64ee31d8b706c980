import type { Machine, SiteContext } from "@multicloud/core/plugin";
import type { Server } from "./client/index.js";
import type { Cloud } from "./cloud.js";
import { deleteLeftVolumes, markLeftVolumes } from "./left-volumes.js";
import { isOurServer, sharedName } from "./marks.js";
import { deletePublicPort } from "./public-ports.js";

/** Deletes sent at once. */
const atOnce = 8;

/** Deletes machines. One sweep tells which of them are still there and ours; no other is touched. */
export async function deleteMachines(
  cloud: Cloud,
  context: SiteContext,
  machines: readonly Machine[],
): Promise<void> {
  if (machines.length === 0) return;
  const wanted = new Map(machines.map((machine) => [machine.id, machine]));
  const servers = await cloud.servers.list(context);
  const waiting: Server[] = [];
  for (const server of servers) {
    const machine = wanted.get(server.id);
    if (!machine) continue;
    if (isOurServer(context, server)) waiting.push(server);
    else {
      context.report({
        type: "log",
        level: "warn",
        node: machine.name,
        message: `server ${server.id} was left alone: it does not carry the mark of ${sharedName(context)}`,
      });
    }
  }
  const failures: unknown[] = [];
  const work = async () => {
    for (let server = waiting.shift(); server; server = waiting.shift()) {
      await deleteServer(cloud, context, server).catch((error) => failures.push(error));
      if (context.signal.aborted) return;
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, waiting.length) }, work));
  context.signal.throwIfAborted();
  if (failures.length > 0) throw failures[0];
}

async function deleteServer(cloud: Cloud, context: SiteContext, server: Server): Promise<void> {
  const call = { ...context, node: server.metadata["multicloud-node"] ?? server.name };
  await deletePublicPort(cloud, call, server);
  const volumes = server.status === "ERROR" ? await markLeftVolumes(cloud, call, server) : [];
  await cloud.client.nova.deleteServer(call, server.id);
  await deleteLeftVolumes(cloud, call, server, volumes);
}

import { type Machine, poll, type SiteContext } from "@multicloud/core/plugin";
import type { Server } from "./client/index.js";
import type { Cloud } from "./cloud.js";
import { isOurServer } from "./marks.js";

const settledMs = 60_000;

/**
 * Freezes machines, or lets them go on. A frozen one vanishes from the network at once, as in a power cut; switching
 * it off would let its operating system say goodbye first.
 */
export async function setPower(
  cloud: Cloud,
  context: SiteContext,
  machines: readonly Machine[],
  on: boolean,
): Promise<void> {
  const [from, to, action] = on
    ? (["PAUSED", "ACTIVE", "unpause"] as const)
    : (["ACTIVE", "PAUSED", "pause"] as const);
  const wanted = new Set(machines.map(({ id }) => id));
  const ours = async (call: SiteContext) =>
    (await cloud.servers.list(call)).filter((server) => wanted.has(server.id) && isOurServer(call, server));
  const isAt = (server: Server) => server.status === to && !server["OS-EXT-STS:task_state"];

  const servers = (await ours(context)).filter(({ status }) => status === from);
  const asked = await Promise.all(
    servers.map(async ({ id }) => ((await cloud.client.nova.actOnServer(context, id, action)) ? [id] : [])),
  );
  const waiting = new Set(asked.flat());
  if (waiting.size === 0) return;
  await poll({
    what: `the machines of ${context.site} to be ${to}`,
    intervalMs: 500,
    timeoutMs: settledMs,
    signal: context.signal,
    site: context.site,
    check: async (signal) => {
      const left = (await ours({ ...context, signal })).filter(
        (server) => waiting.has(server.id) && !isAt(server),
      );
      return left.length === 0 ? true : undefined;
    },
  });
}

import { type Machine, MulticloudError, poll, type SiteContext } from "@multicloud/core/plugin";
import type { Client } from "./client.js";
import { inParallel } from "./in-parallel.js";
import { readDroplets } from "./machines.js";

const settledMs = 3 * 60_000;
const parallelActions = 5;

/**
 * Switches droplets off as pulling the plug does (`power_off`; `shutdown` would ask their operating systems), or on.
 * Resolves when they are, with one list call a second for all of them.
 */
export async function setPower(
  client: Client,
  context: SiteContext,
  machines: readonly Machine[],
  on: boolean,
): Promise<void> {
  const wanted = new Set(machines.map(({ id }) => id));
  const [from, to, type] = on
    ? (["off", "active", "power_on"] as const)
    : (["active", "off", "power_off"] as const);
  const ours = async (call: SiteContext) =>
    (await readDroplets(client, call)).filter(({ id }) => wanted.has(String(id)));
  const asked = (await ours(context)).filter(({ status }) => status === from);
  if (asked.length === 0) return;
  await inParallel(asked, parallelActions, async ({ id }) => {
    try {
      await client.post(context, `/v2/droplets/${id}/actions`, { type });
    } catch (error) {
      // Another action on it is under way, or the first request of a repeated one went through: the list will tell.
      if (!MulticloudError.isInstance(error) || error.status !== 422) throw error;
    }
  });
  const ids = new Set(asked.map(({ id }) => id));
  await poll({
    what: `the droplets of ${context.site} to be ${to}`,
    intervalMs: 1_000,
    timeoutMs: settledMs,
    signal: context.signal,
    site: context.site,
    check: async (signal) =>
      (await ours({ ...context, signal })).every(({ id, status }) => !ids.has(id) || status === to)
        ? true
        : undefined,
  });
}

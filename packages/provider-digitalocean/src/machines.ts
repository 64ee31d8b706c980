import { delay, type Machine, MulticloudError, type SiteContext } from "@multicloud/core/plugin";
import type { Births } from "./births.js";
import type { Client } from "./client.js";
import { inParallel } from "./in-parallel.js";
import { readMachineTags, siteTag } from "./marks.js";
import { hasReservedIp, readReservedIps, releaseReservedIps } from "./reserved-ips.js";
import { deleteVolumes, hasVolume } from "./volumes.js";
import type { WireDroplet } from "./wire.js";

const deleteTimeoutMs = 5 * 60_000;
const parallelDeletes = 5;
const statuses = { new: "creating", active: "running", off: "stopped", archive: "stopped" } as const;

/** All droplets that carry the site's tag. */
export const readDroplets = (client: Client, context: SiteContext): Promise<WireDroplet[]> =>
  client.all<WireDroplet, "id">(context, "/v2/droplets", "droplets", "id", { tag_name: siteTag(context) });

/** All machines of the site; those that DigitalOcean gave up on too, also when their droplet has disappeared. */
export async function listMachines(client: Client, context: SiteContext, births: Births): Promise<Machine[]> {
  const droplets = await readDroplets(client, context);
  const [reserved, failed] = await Promise.all([
    reservedAmong(client, context, droplets),
    births.failed(context, droplets),
  ]);
  const machine = (droplet: WireDroplet) => toMachine(context, droplet, reserved);
  const faults = new Map(
    failed.map(({ droplet, action }): [number, Machine] => [
      droplet.id,
      {
        ...machine(droplet),
        status: "failed",
        fault: `its create action ${action} ended in error, for which DigitalOcean gives no reason`,
      },
    ]),
  );
  const listed = droplets.map((droplet) => faults.get(droplet.id) ?? machine(droplet));
  const there = new Set(droplets.map(({ id }) => id));
  const vanished = [...faults].flatMap(([id, one]) => (there.has(id) ? [] : [one]));
  return [...listed, ...vanished];
}

/** The reserved addresses, if a droplet has one. */
async function reservedAmong(client: Client, context: SiteContext, droplets: readonly WireDroplet[]) {
  const doubtful = droplets.some((droplet) => entries(droplet, "public").length > 1);
  return doubtful ? (await readReservedIps(client, context)).map(({ ip }) => ip) : [];
}

/**
 * A droplet in the contract's terms. A reserved address can move to another droplet, so it is the machine's
 * own only where it was asked for; until it is there, such a machine is still being made.
 */
function toMachine(
  context: Pick<SiteContext, "cluster" | "site">,
  droplet: WireDroplet,
  reservedIps: readonly string[],
): Machine {
  const wanted = hasReservedIp(context, droplet);
  const own = entries(droplet, "public").find((entry) => reservedIps.includes(entry.ip_address) === wanted);
  const privates = entries(droplet, "private");
  // The anchor of a reserved address is a private entry with a gateway; that of the VPC has none.
  const inVpc = privates.find((entry) => !entry.gateway) ?? privates[0];
  const image = droplet.image.slug ?? String(droplet.image.id);
  return {
    id: String(droplet.id),
    name: droplet.name,
    ...readMachineTags(context, droplet.name, droplet.tags),
    status: wanted && !own && droplet.status === "active" ? "creating" : statuses[droplet.status],
    ...(own ? { publicAddress: own.ip_address } : {}),
    ...(inVpc ? { privateAddress: inVpc.ip_address } : {}),
    size: droplet.size_slug,
    image,
  };
}

function entries(droplet: WireDroplet, type: "public" | "private") {
  return (droplet.networks.v4 ?? []).filter((entry) => entry.type === type);
}

/**
 * Deletes machines; returns once the service has accepted each. One list call tells which of them are still
 * there and carry the site's tag; no other is touched. A droplet that is still being made, or on
 * its way out already, answers 422 (`pending event`): it is asked again until it is accepted or gone, with
 * one list call a round for all of them.
 */
export async function deleteMachines(
  client: Client,
  context: SiteContext,
  machines: readonly Machine[],
): Promise<void> {
  const deadline = Date.now() + deleteTimeoutMs;
  let left = [...new Set(machines.map((machine) => machine.id))];
  const withVolume = new Set<string>();
  for (let round = 0; left.length > 0; round++) {
    if (round > 0) await delay(Math.min(5000, 250 * 2 ** round), context.signal);
    const ours = new Map((await readDroplets(client, context)).map((one) => [String(one.id), one]));
    left = left.filter((id) => ours.has(id));
    const droplets = left.map((id) => ours.get(id)!);
    for (const droplet of droplets) if (hasVolume(context, droplet)) withVolume.add(droplet.name);
    if (droplets.some((droplet) => hasReservedIp(context, droplet)))
      await releaseReservedIps(client, context, droplets);
    const refused = await deleteEach(client, context, left);
    left = refused.map(({ id }) => id);
    const first = refused[0];
    if (first && Date.now() > deadline) {
      throw new MulticloudError(
        `droplet ${first.id} could not be deleted for ${deleteTimeoutMs / 60_000} minutes`,
        {
          code: "TIMEOUT",
          service: "digitalocean",
          site: context.site,
          hint: "an action on it does not end; look at its history in DigitalOcean's control panel",
          cause: first.error,
        },
      );
    }
  }
  if (withVolume.size > 0) await deleteVolumes(client, context, { of: [...withVolume] });
}

async function deleteEach(client: Client, context: SiteContext, ids: readonly string[]) {
  const refused: { id: string; error: MulticloudError }[] = [];
  await inParallel(ids, parallelDeletes, async (id) => {
    try {
      await client.delete(context, `/v2/droplets/${id}`);
    } catch (error) {
      if (!MulticloudError.isInstance(error) || error.status !== 422) throw error;
      refused.push({ id, error });
    }
  });
  return refused;
}

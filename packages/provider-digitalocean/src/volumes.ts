import { createHash } from "node:crypto";
import {
  delay,
  type MachineRequest,
  type MachineShape,
  MulticloudError,
  type SiteContext,
} from "@multicloud/core/plugin";
import { type Client, outcomeUnknown } from "./client.js";
import { siteTag, volumeTag } from "./marks.js";
import type { WireDroplet, WireVolume } from "./wire.js";

/** A block storage volume that a machine is made with. */
export interface VolumeOption {
  /** 1 to 16,384. */
  readonly sizeGiB: number;
  /** Formats it; droplets mount it below `/mnt` then. Default: not formatted. */
  readonly filesystem?: "ext4" | "xfs";
}

// A volume comes off its droplet when that is gone.
const patienceMs = 5 * 60_000;
const pauseMs = (round: number) => Math.min(2_000, 25 * 2 ** round);

/** The volume that a machine is to have. */
export const volumeOf = ({ providerOptions }: MachineShape): VolumeOption | undefined =>
  providerOptions?.volume as VolumeOption | undefined;

/** True for a droplet that was asked for with a volume. */
export const hasVolume = (site: Pick<SiteContext, "cluster" | "site">, droplet: WireDroplet) =>
  droplet.tags.includes(volumeTag(site));

/**
 * As much of the machine's name as there is room for, and a digest of site and machine: names are unique in a
 * region, and two clusters may have machines of one name.
 */
function volumeName(site: Pick<SiteContext, "cluster" | "site">, machine: string): string {
  const name = (/^[a-z]/.test(machine) ? machine : `v-${machine}`).slice(0, 53);
  const digest = createHash("sha256")
    .update(`${siteTag(site)} ${machine}`)
    .digest("hex");
  return `${name}-${digest.slice(0, 10)}`;
}

/**
 * A new volume for a machine that does not exist. One of that name is what an interrupted run left, perhaps
 * with an earlier machine's data: it is deleted first.
 *
 * @returns its id
 */
export async function makeVolume(
  client: Client,
  context: SiteContext,
  region: string,
  request: MachineRequest,
  { sizeGiB, filesystem }: VolumeOption,
): Promise<string> {
  const name = volumeName(context, request.name);
  const deadline = Date.now() + patienceMs;
  for (let round = 0; ; round++) {
    const [found] = await client.all<WireVolume, "id">(context, "/v2/volumes", "volumes", "id", {
      name,
      region,
    });
    if (found && !found.tags?.includes(siteTag(context))) {
      throw new MulticloudError(`the volume ${name} exists in ${region} and is not this site's`, {
        code: "CONFLICT",
        service: "digitalocean",
        site: context.site,
        node: request.name,
        hint: "rename or delete it, or name the cluster or the site otherwise",
      });
    }
    try {
      if (!found) {
        const { volume } = await client.post<{ volume: WireVolume }>(context, "/v2/volumes", {
          name,
          region,
          size_gigabytes: sizeGiB,
          ...(filesystem === undefined ? {} : { filesystem_type: filesystem }),
          tags: [siteTag(context), volumeTag(context)],
        });
        return volume.id;
      }
      if (!found.droplet_ids?.length) await client.delete(context, `/v2/volumes/${found.id}`);
    } catch (error) {
      if (!outcomeUnknown(error) && !isConflict(error)) throw error;
      if (Date.now() > deadline) throw error;
    }
    if (Date.now() > deadline) throw tooLong(context, name);
    await delay(pauseMs(round), context.signal);
  }
}

/**
 * Deletes volumes of the site, once they are on no droplet any more: those of the machines that are named, or
 * those of which the droplet is not among the site's.
 */
export async function deleteVolumes(
  client: Client,
  context: SiteContext,
  which: { readonly of: readonly string[] } | { readonly without: readonly WireDroplet[] },
): Promise<void> {
  const deadline = Date.now() + patienceMs;
  const wanted = new Set("of" in which ? which.of.map((name) => volumeName(context, name)) : []);
  const kept = new Set("without" in which ? which.without.map(({ name }) => volumeName(context, name)) : []);
  for (let round = 0; ; round++) {
    const all = await client.all<WireVolume, "id">(context, "/v2/volumes", "volumes", "id");
    const left = all.filter(
      ({ name, tags }) =>
        tags?.includes(volumeTag(context)) && ("of" in which ? wanted.has(name) : !kept.has(name)),
    );
    if (left.length === 0) return;
    for (const { id, droplet_ids } of left) {
      if (droplet_ids?.length) continue;
      await client.delete(context, `/v2/volumes/${id}`).catch((error: unknown) => {
        // It says that it is on a droplet although the list does not: looked at again.
        if (!isConflict(error)) throw error;
      });
    }
    if (Date.now() > deadline) throw tooLong(context, left[0]!.name);
    await delay(pauseMs(round), context.signal);
  }
}

const isConflict = (error: unknown) => MulticloudError.isInstance(error) && error.status === 409;

function tooLong({ site }: SiteContext, name: string): MulticloudError {
  return new MulticloudError(
    `the volume ${name} did not come off its droplet in ${patienceMs / 60_000} minutes`,
    {
      code: "TIMEOUT",
      service: "digitalocean",
      site,
      hint: "look at the droplet and the volume in DigitalOcean's control panel, then run this again",
    },
  );
}

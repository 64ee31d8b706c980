import { delay, MulticloudError, type SiteContext } from "@multicloud/core/plugin";
import { type Client, outcomeUnknown } from "./client.js";
import { inParallel } from "./in-parallel.js";
import { ipOfTag, ipTag, isTagOf, reservedIpTag } from "./marks.js";
import { ensureTag, listTags } from "./tags.js";
import type { WireDroplet, WireReservedIp } from "./wire.js";

// Putting an address on a droplet and taking it off takes seconds.
const patienceMs = 2 * 60_000;
const parallelReleases = 5;
const pauseMs = (round: number) => Math.min(2_000, 25 * 2 ** round);

/** True for a droplet that was asked for with a reserved address: the one that is on it is the site's. */
export const hasReservedIp = (site: Pick<SiteContext, "cluster" | "site">, droplet: WireDroplet) =>
  droplet.tags.includes(reservedIpTag(site));

/** All reserved addresses of the account. */
export const readReservedIps = (client: Client, context: SiteContext): Promise<WireReservedIp[]> =>
  client.all<WireReservedIp, "ip">(context, "/v2/reserved_ips", "reserved_ips", "ip");

/**
 * Gives each of the droplets, which have to be active, a reserved address of its own. The address is made on
 * its droplet in one request, so that there is no moment in which nothing says whose it is; the tag that
 * names it is for the day on which the droplet is deleted by somebody else.
 */
export async function giveReservedIps(
  client: Client,
  context: SiteContext,
  droplets: readonly WireDroplet[],
): Promise<void> {
  if (droplets.length === 0) return;
  const deadline = Date.now() + patienceMs;
  const tagged = new Set((await listTags(client, context)).map((tag) => ipOfTag(context, tag)));
  for (let round = 0; ; round++) {
    const addresses = await settled(client, context, deadline);
    let refused: unknown;
    let missing = 0;
    for (const { id } of droplets) {
      let ip = addresses.find(({ droplet }) => droplet?.id === id)?.ip;
      if (ip === undefined) {
        missing += 1;
        try {
          const body = { droplet_id: id };
          const made = await client.post<{ reserved_ip: WireReservedIp }>(context, "/v2/reserved_ips", body);
          ip = made.reserved_ip.ip;
        } catch (error) {
          // An address that a request before this one made, or another action on the droplet: seen in the next round.
          if (!outcomeUnknown(error) && !isRefusal(error)) throw error;
          refused = error;
          continue;
        }
      }
      if (tagged.has(ip)) continue;
      await ensureTag(client, context, ipTag(context, ip));
      tagged.add(ip);
    }
    if (missing === 0) return;
    if (refused !== undefined && Date.now() > deadline) throw refused;
    await delay(pauseMs(round), context.signal);
  }
}

/**
 * Gives up the reserved addresses of these droplets, and those of the site that are on none any more. The
 * droplets stay: one whose address is not given up yet still says whose that is.
 */
export async function releaseReservedIps(
  client: Client,
  context: SiteContext,
  droplets: readonly WireDroplet[],
): Promise<void> {
  const marked = new Set(droplets.filter((droplet) => hasReservedIp(context, droplet)).map(({ id }) => id));
  const tags = (await listTags(client, context)).filter((tag) => isTagOf(context, tag));
  const named = new Set(tags.map((tag) => ipOfTag(context, tag)).filter((ip) => ip !== undefined));
  if (marked.size === 0 && named.size === 0) return;
  const addresses = await settled(client, context, Date.now() + patienceMs);
  const onThem = addresses.filter(({ droplet }) => droplet && marked.has(droplet.id));
  for (const { ip } of onThem) {
    // Off its droplet, only the tag says whose it is.
    if (!named.has(ip)) await ensureTag(client, context, ipTag(context, ip));
    named.add(ip);
  }
  await inParallel(named, parallelReleases, async (ip) => {
    const address = addresses.find((one) => one.ip === ip);
    // On a droplet that stays: it is still in use, by us or by whoever took it over.
    if (address?.droplet && !marked.has(address.droplet.id)) return;
    if (address) await release(client, context, ip, marked);
    await client.delete(context, `/v2/tags/${encodeURIComponent(ipTag(context, ip))}`);
  });
}

/** Takes an address off its droplet and deletes it, whatever an earlier attempt has done of that. */
async function release(client: Client, context: SiteContext, ip: string, droplets: ReadonlySet<number>) {
  const deadline = Date.now() + patienceMs;
  const path = `/v2/reserved_ips/${ip}`;
  for (let round = 0; ; round++) {
    const found = (await client.find<{ reserved_ip: WireReservedIp }>(context, path))?.reserved_ip;
    if (!found || (found.droplet && !droplets.has(found.droplet.id))) return;
    try {
      if (found.droplet) await client.post(context, `${path}/actions`, { type: "unassign" });
      else if (!found.locked) return await client.delete(context, path);
    } catch (error) {
      if (!outcomeUnknown(error) && !isRefusal(error)) throw error;
      if (Date.now() > deadline) throw error;
    }
    if (Date.now() > deadline) throw tooLong(context, ip);
    await delay(pauseMs(round), context.signal);
  }
}

/**
 * Finishes what an interrupted run left: addresses for droplets that are to have one and have none, and an end
 * for those whose droplet is gone.
 */
export async function repairReservedIps(
  client: Client,
  context: SiteContext,
  droplets: readonly WireDroplet[],
): Promise<void> {
  await releaseReservedIps(client, context, []);
  await giveReservedIps(
    client,
    context,
    droplets.filter((droplet) => hasReservedIp(context, droplet) && droplet.status === "active"),
  );
}

/** All addresses, once none is on its way to a droplet that it does not name yet. */
async function settled(client: Client, context: SiteContext, deadline: number): Promise<WireReservedIp[]> {
  for (let round = 0; ; round++) {
    const addresses = await readReservedIps(client, context);
    const moving = addresses.find(({ locked, droplet }) => locked && !droplet);
    // Somebody else's that hangs is no reason to wait for ever.
    if (!moving || Date.now() > deadline) return addresses;
    await delay(pauseMs(round), context.signal);
  }
}

const isRefusal = (error: unknown) =>
  MulticloudError.isInstance(error) && error.status === 422 && error.code !== "QUOTA_EXCEEDED";

function tooLong({ site }: SiteContext, ip: string): MulticloudError {
  return new MulticloudError(
    `the reserved address ${ip} could not be given up in ${patienceMs / 60_000} minutes`,
    {
      code: "TIMEOUT",
      service: "digitalocean",
      site,
      hint: "an action on it does not end; look at it in DigitalOcean's control panel, then run this again",
    },
  );
}

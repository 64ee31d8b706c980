import { MulticloudError, type Provider, poll, type SiteContext } from "@multicloud/core/plugin";
import { createBirths } from "./births.js";
import { checkSite } from "./check.js";
import { createClient } from "./client.js";
import { createBatch, createMachines, type DropletSettings } from "./create.js";
import { deleteFirewall, ensureFirewall } from "./firewall.js";
import { deleteMachines, listMachines, readDroplets } from "./machines.js";
import { ipOfTag, isTagOf, reservedIpTag, siteTag, volumeTag } from "./marks.js";
import { setPower } from "./power.js";
import { releaseReservedIps, repairReservedIps } from "./reserved-ips.js";
import { sharedLook } from "./shared-look.js";
import { ensureSshKey, findSshKey, releaseSshKeys } from "./ssh-key.js";
import { ensureTag, listTags } from "./tags.js";
import { deleteVolumes } from "./volumes.js";
import { vpcLookup } from "./vpc.js";

/** Settings of {@link digitalocean}. */
export interface DigitalOceanOptions {
  /** API token. Default: the environment's `DIGITALOCEAN_TOKEN`, then `DIGITALOCEAN_ACCESS_TOKEN`, read at the first call. */
  readonly token?: string;
  /** Slug of the region, for example `fra1`. Default: the environment's `DIGITALOCEAN_REGION`, read at the first call. */
  readonly region?: string;
  /** Name or id of the VPC that the droplets stand in; it has to be in the region. Default: the region's default VPC. */
  readonly vpc?: string;
  /** Install DigitalOcean's metrics agent. Default false. */
  readonly monitoring?: boolean;
  /** Give droplets a public IPv6 address too. Default false. */
  readonly ipv6?: boolean;
  /** Weekly backups, for a fifth of the droplet's price. Default false. */
  readonly backups?: boolean;
  /** Root of the API. Default: the environment's `DIGITALOCEAN_API_URL`, else `https://api.digitalocean.com`. */
  readonly baseURL?: string;
  /** Requests that this provider may make in any minute, default 250 (the token's limit). Lower it when other programs use the same token. */
  readonly requestsPerMinute?: number;
  /** Default: the global `fetch`. */
  readonly fetch?: typeof fetch;
}

const goneTimeoutMs = 3 * 60_000;

/**
 * Droplets as machines of a site. Everything it makes carries the tag `multicloud:<cluster>:<site>` or that
 * as its name. Facts about the service are from DigitalOcean's OpenAPI document.
 *
 * Errors: `CONFIG_INVALID` without a region, `AUTH_FAILED` without or with a wrong token, `FORBIDDEN` when the token lacks a scope,
 * `QUOTA_EXCEEDED`, `RATE_LIMITED`, `REQUEST_REFUSED`, `SERVICE_FAILED`, `SERVICE_UNREACHABLE`, `TIMEOUT`.
 */
export function digitalocean(options: DigitalOceanOptions = {}): Provider {
  const client = createClient({ ...options, requestsPerMinute: options.requestsPerMinute ?? 250 });
  const settings = (): DropletSettings => ({
    region: options.region?.trim() || process.env.DIGITALOCEAN_REGION?.trim() || undefined,
    monitoring: options.monitoring ?? false,
    ipv6: options.ipv6 ?? false,
    backups: options.backups ?? false,
  });
  const vpcId = vpcLookup(client, options.vpc);
  const births = createBirths(client);
  const look = sharedLook((context) => readDroplets(client, context));
  // Saves looking up which key a site uses, by site; another process finds it by the site's tag.
  const keys = new Map<string, string>();

  async function sshKeyOf(context: SiteContext): Promise<string> {
    const found = keys.get(siteTag(context)) ?? (await findSshKey(client, context));
    if (found !== undefined) return found;
    throw new MulticloudError("this site has no SSH key yet: machines are made after its shared resources", {
      code: "INTERNAL",
      service: "digitalocean",
      site: context.site,
    });
  }

  return {
    specVersion: "v1",
    name: "digitalocean",
    userData: { maxBytes: 65_536, gzip: false },
    createBatch,
    check: (context, request) => checkSite(client, context, settings(), options.vpc, request),
    list: (context) => listMachines(client, context, births),
    async ensureShared(context, request) {
      const [sshKey] = await Promise.all([
        ensureSshKey(client, context, request.sshPublicKey),
        ensureTag(client, context, siteTag(context)).then(() =>
          ensureFirewall(client, context, request.firewall),
        ),
      ]);
      keys.set(siteTag(context), sshKey);
      await repair(context);
    },
    async create(context, requests) {
      if (requests.length === 0) return;
      const [sshKey, vpc] = [await sshKeyOf(context), await vpcId(context)];
      await createMachines({ client, settings: settings(), sshKey, vpc, births, look }, context, requests);
    },
    async delete(context, machines) {
      await deleteMachines(client, context, machines);
      births.forget(
        context,
        machines.map(({ id }) => id),
      );
    },
    async deleteShared(context) {
      await untilNoMachines(context);
      keys.delete(siteTag(context));
      const tags = await listTags(client, context);
      if (tags.includes(volumeTag(context))) await deleteVolumes(client, context, { without: [] });
      if (tags.some((tag) => ipOfTag(context, tag))) await releaseReservedIps(client, context, []);
      await deleteFirewall(client, context);
      await releaseSshKeys(client, context);
      const ours = (await listTags(client, context)).filter((tag) => isTagOf(context, tag));
      await Promise.all(ours.map((tag) => client.delete(context, `/v2/tags/${encodeURIComponent(tag)}`)));
    },
    power: (context, machines, on) => setPower(client, context, machines, on),
  };

  /** Finishes what an interrupted run left of addresses and volumes. One read for a site that has none of both. */
  async function repair(context: SiteContext): Promise<void> {
    const tags = await listTags(client, context);
    const [addresses, volumes] = [tags.includes(reservedIpTag(context)), tags.includes(volumeTag(context))];
    if (!addresses && !volumes) return;
    const droplets = await readDroplets(client, context);
    if (volumes) await deleteVolumes(client, context, { without: droplets });
    if (addresses) await repairReservedIps(client, context, droplets);
  }

  /** Without its tags a droplet is not ours any more, so they stay until the last one is gone. */
  function untilNoMachines(context: SiteContext): Promise<true> {
    return poll({
      what: "the site's droplets to be gone",
      check: async (signal) =>
        (await readDroplets(client, { ...context, signal })).length === 0 ? true : undefined,
      intervalMs: 500,
      timeoutMs: goneTimeoutMs,
      signal: context.signal,
      site: context.site,
      hint: "delete the site's droplets first",
    });
  }
}

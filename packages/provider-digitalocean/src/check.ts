import {
  type MachineShape,
  MulticloudError,
  nearest,
  type Problem,
  type ProviderCheck,
  type SiteContext,
  type SiteRequest,
} from "@multicloud/core/plugin";
import { checkImages, distinct } from "./check-images.js";
import type { Client } from "./client.js";
import type { DropletSettings } from "./create.js";
import { optionProblems } from "./pool-options.js";
import { volumeOf } from "./volumes.js";
import { checkVpc } from "./vpc.js";
import type { WireAccount, WirePage, WireRegion, WireSize } from "./wire.js";

// Weekly backups, the API's default plan, cost a fifth of the droplet (DigitalOcean's price list).
const backupShare = 0.2;
// A GiB of a volume a month, from the same list: the API does not tell.
const volumeGiBPriceUsd = 0.1;

/** Everything that can be known to be wrong before the first effect. Reads only. */
export async function checkSite(
  client: Client,
  context: SiteContext,
  settings: DropletSettings,
  vpc: string | undefined,
  request: SiteRequest,
): Promise<ProviderCheck> {
  const problems: Problem[] = checkShapes(request);
  const warnings: Problem[] = [];
  const account = await readAccount(client, context, problems, warnings);
  if (account === "refused") return { problems, warnings };
  const addressed = request.machines.filter(
    ({ name, providerOptions }) => request.toCreate.includes(name) && providerOptions?.reservedIp === true,
  );
  const first = { page: 1, per_page: 1 };
  const [regions, sizes, droplets, addresses] = await Promise.all([
    client.all<WireRegion, "slug">(context, "/v2/regions", "regions", "slug"),
    client.all<WireSize, "slug">(context, "/v2/sizes", "sizes", "slug"),
    request.toCreate.length === 0 ? undefined : client.get<WirePage>(context, "/v2/droplets", first),
    addressed.length === 0 ? undefined : client.get<WirePage>(context, "/v2/reserved_ips", first),
  ]);
  const regionKnown = checkRegion(settings.region, regions, problems);
  checkStorage(
    request,
    regions.find(({ slug }) => slug === settings.region),
    problems,
  );
  const bySlug = new Map(sizes.map((size) => [size.slug, size]));
  checkSizes(request, bySlug, regionKnown ? settings.region : undefined, problems);
  await Promise.all([
    checkImages(client, context, request, bySlug, regionKnown ? settings.region : undefined, problems),
    checkVpc(client, context, vpc, settings.region, problems),
  ]);
  checkQuota(request, account, droplets?.meta?.total, problems);
  checkReservedIps(addressed, account, addresses?.meta?.total, problems);
  const price = request.machines.reduce(
    (sum, machine) => sum + (bySlug.get(machine.size)?.price_monthly ?? Number.NaN),
    0,
  );
  if (Number.isNaN(price)) return { problems, warnings };
  const stored = request.machines.reduce((sum, machine) => sum + (volumeOf(machine)?.sizeGiB ?? 0), 0);
  const dollars = price * (settings.backups ? 1 + backupShare : 1) + stored * volumeGiBPriceUsd;
  const monthlyPriceUsd = Math.round(dollars * 100) / 100;
  return { problems, warnings, monthlyPriceUsd };
}

/** What is wrong with the request itself, one problem for each pool. */
function checkShapes(request: SiteRequest): Problem[] {
  const problems = new Map<string, Problem>();
  for (const machine of request.machines) {
    const pool = `${machine.role}s`;
    if (machine.disk) {
      problems.set(`${pool}.disk`, {
        path: `${pool}.disk`,
        message: "droplets boot from their own disk, whose size comes with the droplet's size",
        hint: "leave `disk` out and choose a size with a larger disk; a second one is `providerOptions.volume`",
      });
    }
    for (const problem of optionProblems(machine)) problems.set(problem.path, problem);
  }
  return [...problems.values()];
}

/** The account; `undefined` when the token may not read it, `"refused"` when there is nothing more to ask. */
async function readAccount(
  client: Client,
  context: SiteContext,
  problems: Problem[],
  warnings: Problem[],
): Promise<WireAccount | "refused" | undefined> {
  try {
    client.token();
    const { account } = await client.get<{ account: WireAccount }>(context, "/v2/account");
    if (account.status === "locked") {
      problems.push({ path: "provider", message: `the account is locked: ${account.status_message}` });
    }
    return account;
  } catch (error) {
    if (!MulticloudError.isInstance(error)) throw error;
    if (error.code === "AUTH_FAILED") {
      const hint = error.hint === undefined ? {} : { hint: error.hint };
      problems.push({ path: "provider.token", message: error.message, ...hint });
      return "refused";
    }
    if (error.code !== "FORBIDDEN") throw error;
    warnings.push({
      path: "provider.token",
      message: "the token lacks the scope account:read, so the droplet limit is not checked",
    });
    return undefined;
  }
}

function checkRegion(
  region: string | undefined,
  regions: readonly WireRegion[],
  problems: Problem[],
): boolean {
  const path = "provider.region";
  const known = regions.find(({ slug }) => slug === region);
  if (known?.available) return true;
  const allowed = regions.filter(({ available }) => available).map(({ slug }) => slug);
  const suggestion = known || !region ? undefined : nearest(region, allowed);
  problems.push({
    path,
    message: known
      ? "this region takes no new droplets now"
      : region
        ? "unknown region"
        : "no region is given",
    ...(region ? { given: region } : {}),
    allowed,
    ...(suggestion === undefined ? {} : { suggestion }),
    ...(region ? {} : { hint: "give digitalocean({ region }), or set DIGITALOCEAN_REGION" }),
  });
  return known !== undefined;
}

function checkSizes(
  request: SiteRequest,
  sizes: ReadonlyMap<string, WireSize>,
  region: string | undefined,
  problems: Problem[],
): void {
  const served = [...sizes.values()]
    .filter((size) => size.available && (region === undefined || size.regions.includes(region)))
    .map((size) => size.slug);
  for (const [path, slug] of distinct(request, "size")) {
    const size = sizes.get(slug);
    const problem = { path, given: slug, allowed: served };
    const suggestion = nearest(slug, served);
    const near = suggestion === undefined ? {} : { suggestion };
    if (!size) problems.push({ ...problem, ...near, message: "unknown droplet size" });
    else if (slug.startsWith("gpu-"))
      problems.push({ ...problem, message: "GPU droplets are not supported" });
    else if (!served.includes(slug)) {
      problems.push({
        ...problem,
        ...near,
        message: `this size is not available${region ? ` in ${region}` : ""}`,
      });
    }
  }
}

function checkQuota(
  request: SiteRequest,
  account: WireAccount | undefined,
  existing: number | undefined,
  problems: Problem[],
): void {
  if (account === undefined || existing === undefined) return;
  const room = account.droplet_limit - existing;
  if (request.toCreate.length <= room) return;
  problems.push({
    path: "provider",
    message: `the account has room for ${Math.max(0, room)} of ${request.toCreate.length} new droplets: ${existing} of ${account.droplet_limit} exist`,
    hint: "ask for a higher droplet limit at https://cloud.digitalocean.com/account/team/droplet_limit_increase, or delete droplets",
  });
}

function checkStorage(request: SiteRequest, region: WireRegion | undefined, problems: Problem[]): void {
  if (region === undefined || region.features.includes("storage")) return;
  const machine = request.machines.find((one) => volumeOf(one));
  if (!machine) return;
  problems.push({
    path: `${machine.role}s.providerOptions.volume`,
    message: `${region.slug} has no volumes`,
    hint: "choose another region, or leave it out",
  });
}

function checkReservedIps(
  addressed: readonly MachineShape[],
  account: WireAccount | undefined,
  existing: number | undefined,
  problems: Problem[],
): void {
  if (account === undefined || existing === undefined) return;
  const room = account.floating_ip_limit - existing;
  if (addressed.length <= room) return;
  problems.push({
    path: `${addressed[0]?.role}s.providerOptions.reservedIp`,
    message: `the account has room for ${Math.max(0, room)} of ${addressed.length} new reserved addresses: ${existing} of ${account.floating_ip_limit} exist`,
    hint: "delete addresses that nobody uses, or ask DigitalOcean's support for more",
  });
}

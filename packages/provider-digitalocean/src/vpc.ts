import { MulticloudError, nearest, type Problem, type SiteContext } from "@multicloud/core/plugin";
import type { Client } from "./client.js";
import type { WireVpc } from "./wire.js";

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const readVpcs = (client: Client, context: SiteContext) =>
  client.all<WireVpc, "id">(context, "/v2/vpcs", "vpcs", "id");

/** By id or by name; an account has each name once. */
const pick = (vpcs: readonly WireVpc[], given: string) =>
  vpcs.find(({ id }) => id === given.toLowerCase()) ?? vpcs.find(({ name }) => name === given);

/** What is wrong with the VPC that was asked for by id or name. Reads only. */
export async function checkVpc(
  client: Client,
  context: SiteContext,
  given: string | undefined,
  region: string | undefined,
  problems: Problem[],
): Promise<void> {
  if (given === undefined || region === undefined) return;
  const vpcs = await readVpcs(client, context);
  const found = pick(vpcs, given);
  if (found?.region === region) return;
  const local = vpcs.filter((vpc) => vpc.region === region);
  const suggestion = found
    ? undefined
    : nearest(given, [...local.map(({ name }) => name), ...local.map(({ id }) => id)]);
  const elsewhere =
    found || suggestion
      ? undefined
      : nearest(
          given,
          vpcs.map(({ name }) => name),
        );
  problems.push({
    path: "provider.vpc",
    message: found
      ? `the VPC ${found.name} is in ${found.region}, not in ${region}: a droplet stands in a VPC of its own region`
      : "no VPC has this id or name",
    given,
    allowed: local.map(({ id, name }) => `${name} (${id})`),
    ...(suggestion === undefined ? {} : { suggestion }),
    ...(elsewhere === undefined
      ? {}
      : { hint: `${elsewhere} is in ${vpcs.find(({ name }) => name === elsewhere)?.region}` }),
  });
}

/** Gives the id of the VPC for creations. A name is looked up once; an id needs no look. */
export function vpcLookup(
  client: Client,
  given: string | undefined,
): (context: SiteContext) => Promise<string | undefined> {
  let known = given !== undefined && uuid.test(given) ? given.toLowerCase() : undefined;
  return async (context) => {
    if (given === undefined || known !== undefined) return known;
    const found = pick(await readVpcs(client, context), given);
    if (!found) {
      throw new MulticloudError(`DigitalOcean has no VPC ${given}`, {
        code: "NOT_FOUND",
        service: "digitalocean",
        site: context.site,
        hint: "it was there when the plan was made: see whether somebody renamed or deleted it",
      });
    }
    known = found.id;
    return known;
  };
}

import { delay, type MachineRequest, MulticloudError, type SiteContext } from "@multicloud/core/plugin";
import type { Births } from "./births.js";
import { type Client, outcomeUnknown } from "./client.js";
import { lookAgainMs } from "./ensure.js";
import { readDroplets } from "./machines.js";
import { machineTags } from "./marks.js";
import { giveReservedIps } from "./reserved-ips.js";
import { makeVolume, volumeOf } from "./volumes.js";
import type { WireDroplet, WireDropletCreate } from "./wire.js";

/** Droplets that one request can make. */
export const createBatch = 10;

const looks = 3;
const activeMs = 5 * 60_000;
const tries = 2;

/** What all droplets of a site have in common. */
export interface DropletSettings {
  readonly region: string | undefined;
  readonly monitoring: boolean;
  readonly ipv6: boolean;
  readonly backups: boolean;
}

/** What creations need besides what they are to make. */
export interface Creation {
  readonly client: Client;
  readonly settings: DropletSettings;
  readonly sshKey: string;
  readonly vpc: string | undefined;
  readonly births: Births;
  /** The site's droplets as they are after the call; calls at the same time share it. */
  look(context: SiteContext): Promise<readonly WireDroplet[]>;
}

/** Asks for the machines that do not exist yet, in as few requests as the API allows. */
export async function createMachines(
  creation: Creation,
  context: SiteContext,
  requests: readonly MachineRequest[],
): Promise<void> {
  const missing = without(requests, await creation.look(context));
  const batches = toBatches(missing, (request) => dropletBody(context, creation, request));
  // All are heard, also when one fails: none may go on after this call has ended.
  const ended = await Promise.allSettled(batches.map((batch) => createBatchOnce(creation, context, batch)));
  context.signal.throwIfAborted();
  const failed = ended.find((one) => one.status === "rejected");
  if (failed) throw failed.reason;
  await addressMachines(creation, context, new Set(requests.filter(wantsReservedIp).map(({ name }) => name)));
}

/** True for a machine that is to have a reserved address. */
const wantsReservedIp = ({ providerOptions }: MachineRequest) => providerOptions?.reservedIp === true;

/** Gives machines their reserved addresses. A droplet takes one only when it is active, so this waits for them. */
async function addressMachines(
  { client, births }: Creation,
  context: SiteContext,
  names: ReadonlySet<string>,
): Promise<void> {
  const deadline = Date.now() + activeMs;
  const served = new Set<number>();
  for (let round = 0; names.size > 0; round++) {
    const droplets = (await readDroplets(client, context)).filter(({ name }) => names.has(name));
    const failed = new Set((await births.failed(context, droplets)).map(({ droplet }) => droplet.id));
    const active = droplets.filter(({ id, status }) => status === "active" && !served.has(id));
    await giveReservedIps(client, context, active);
    for (const { id } of active) served.add(id);
    // Those that take too long, fail or disappear are told of by `list`.
    const shown = droplets.length >= names.size || round >= looks;
    if (shown && droplets.every(({ id, status }) => status !== "new" || failed.has(id))) return;
    if (Date.now() > deadline) return;
    await delay(Math.min(2_000, 50 * 2 ** round), context.signal);
  }
}

/** Answer to a creation: the one form for `name`, the other for `names`. */
interface WireDropletsMade {
  readonly droplet?: WireDroplet;
  readonly droplets?: readonly WireDroplet[];
}

interface Batch {
  readonly requests: readonly MachineRequest[];
  readonly body: Omit<WireDropletCreate, "name" | "names">;
}

/** Machines that differ in nothing but their name go into one request, at most ten. */
function toBatches(
  requests: readonly MachineRequest[],
  bodyOf: (request: MachineRequest) => Batch["body"],
): Batch[] {
  const groups = new Map<string, { body: Batch["body"]; requests: MachineRequest[] }>();
  for (const request of requests) {
    const body = bodyOf(request);
    // A volume is of one droplet only.
    const key = JSON.stringify([body, volumeOf(request) ? request.name : ""]);
    const group = groups.get(key) ?? { body, requests: [] };
    group.requests.push(request);
    groups.set(key, group);
  }
  return [...groups.values()].flatMap(({ body, requests: members }) =>
    Array.from({ length: Math.ceil(members.length / createBatch) }, (_, index) => ({
      body,
      requests: members.slice(index * createBatch, (index + 1) * createBatch),
    })),
  );
}

/**
 * A creation whose answer never came is looked for. The service enters droplets in its list before it
 * answers, so what is not listed after some looks was not made and may be asked for again.
 */
async function createBatchOnce(creation: Creation, context: SiteContext, batch: Batch): Promise<void> {
  let left = batch.requests;
  const volumes = await volumesOf(creation, context, batch);
  for (let tried = 1; left.length > 0; tried++) {
    const names = left.map((request) => request.name);
    try {
      const made = await creation.client.post<WireDropletsMade>(context, "/v2/droplets", {
        ...(names.length === 1 ? { name: names[0] } : { names }),
        ...batch.body,
        ...(volumes.length > 0 ? { volumes } : {}),
      });
      creation.births.note(context, made.droplets ?? (made.droplet ? [made.droplet] : []));
      return;
    } catch (error) {
      if (!outcomeUnknown(error)) throw error;
      for (let look = 1; look <= looks && left.length > 0; look++) {
        await delay(lookAgainMs(look), context.signal);
        left = without(left, await readDroplets(creation.client, context));
      }
      if (left.length > 0 && tried >= tries) throw error;
    }
  }
}

/** The new volume of a batch that asks for one, and so is of one machine. */
async function volumesOf({ client }: Creation, context: SiteContext, { requests, body }: Batch) {
  const [request] = requests;
  const wanted = request && volumeOf(request);
  return wanted ? [await makeVolume(client, context, body.region, request, wanted)] : [];
}

/** The requests whose machine does not exist. */
function without(requests: readonly MachineRequest[], droplets: readonly WireDroplet[]) {
  const there = new Set(droplets.map(({ name }) => name));
  return requests.filter((request) => !there.has(request.name));
}

function dropletBody(
  context: SiteContext,
  { settings, sshKey, vpc }: Creation,
  request: MachineRequest,
): Batch["body"] {
  const { region, monitoring, ipv6, backups } = settings;
  if (region === undefined) {
    // The API would choose a region by itself.
    throw new MulticloudError("no DigitalOcean region is given", {
      code: "CONFIG_INVALID",
      service: "digitalocean",
      site: context.site,
      hint: "give digitalocean({ region }), or set DIGITALOCEAN_REGION",
    });
  }
  const userData = textOf(context, request);
  return {
    ...{ region, monitoring, ipv6, backups },
    size: request.size,
    image: imageReference(request.image),
    ssh_keys: [sshKey],
    tags: machineTags(context, request.role, request.spec, {
      reservedIp: wantsReservedIp(request),
      volume: volumeOf(request) !== undefined,
    }),
    ...(userData ? { user_data: userData } : {}),
    ...(vpc === undefined ? {} : { vpc_uuid: vpc }),
  };
}

/** Images are named by slug, the user's own ones by number. */
const imageReference = (image: string) => (/^\d+$/.test(image) ? Number(image) : image);

function textOf(context: SiteContext, request: MachineRequest): string {
  if (typeof request.userData === "string") return request.userData;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(request.userData);
  } catch (cause) {
    throw new MulticloudError("DigitalOcean takes user data as plain text only, not gzip", {
      code: "INTERNAL",
      service: "digitalocean",
      site: context.site,
      node: request.name,
      cause,
    });
  }
}

import { delay, type MachineRequest, MulticloudError, type SiteContext } from "@multicloud/core/plugin";
import { type Client, outcomeUnknown } from "./client.js";
import { lookAgainMs } from "./ensure.js";
import { listMachines } from "./machines.js";
import { machineTags } from "./marks.js";
import type { WireDropletCreate } from "./wire.js";

/** Droplets that one request can make. */
export const createBatch = 10;

const looks = 3;
const tries = 2;

/** What all droplets of a site have in common. */
export interface DropletSettings {
  readonly region: string;
  readonly vpc?: string;
  readonly monitoring: boolean;
  readonly ipv6: boolean;
  readonly backups: boolean;
}

/** Asks for the machines that do not exist yet, in as few requests as the API allows. */
export async function createMachines(
  client: Client,
  context: SiteContext,
  settings: DropletSettings,
  sshKey: string,
  requests: readonly MachineRequest[],
): Promise<void> {
  const missing = await without(client, context, requests);
  const batches = toBatches(missing, (request) => dropletBody(context, settings, sshKey, request));
  await Promise.all(batches.map((batch) => createBatchOnce(client, context, batch)));
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
    const key = JSON.stringify(body);
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
async function createBatchOnce(client: Client, context: SiteContext, batch: Batch): Promise<void> {
  let left = batch.requests;
  for (let tried = 1; left.length > 0; tried++) {
    const names = left.map((request) => request.name);
    try {
      await client.post(context, "/v2/droplets", {
        ...(names.length === 1 ? { name: names[0] } : { names }),
        ...batch.body,
      });
      return;
    } catch (error) {
      if (!outcomeUnknown(error)) throw error;
      for (let look = 1; look <= looks && left.length > 0; look++) {
        await delay(lookAgainMs(look), context.signal);
        left = await without(client, context, left);
      }
      if (left.length > 0 && tried >= tries) throw error;
    }
  }
}

/** The requests whose machine does not exist. */
async function without(client: Client, context: SiteContext, requests: readonly MachineRequest[]) {
  const there = new Set((await listMachines(client, context)).map((machine) => machine.name));
  return requests.filter((request) => !there.has(request.name));
}

function dropletBody(
  context: SiteContext,
  settings: DropletSettings,
  sshKey: string,
  request: MachineRequest,
): Batch["body"] {
  const { region, vpc, monitoring, ipv6, backups } = settings;
  const userData = textOf(context, request);
  return {
    ...{ region, monitoring, ipv6, backups },
    size: request.size,
    image: imageReference(request.image),
    ssh_keys: [sshKey],
    tags: machineTags(context, request.role, request.spec),
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

import { delay, type MachineRequest, MulticloudError, type SiteContext } from "@multicloud/core/plugin";
import { atLeast, type BlockDevice, type ServerCreate } from "./client/index.js";
import type { Cloud } from "./cloud.js";
import { isThere } from "./known-servers.js";
import { demand } from "./lookup.js";
import { isOurServer, portMark, serverMarks, serverTags, sharedName } from "./marks.js";
import { poolOptions } from "./pool-options.js";
import { ensurePublicPort, floatingIpPool } from "./public-ports.js";
import { serverGroupFor } from "./server-groups.js";

/**
 * Starts making one machine. It is looked for first, so that a call which was cut off finds what it had
 * made; one list serves many creations. The create itself is never sent twice: when its answer is lost, the
 * machine is looked for by its name.
 */
export async function createMachine(
  cloud: Cloud,
  context: SiteContext,
  request: MachineRequest,
): Promise<void> {
  const call = { ...context, node: request.name };
  // What was known some seconds ago may be gone by now; nothing is made on the strength of it.
  if ((await cloud.servers.has(call, request.name)) && (await exists(cloud, call, request.name))) return;
  const [server, group] = await Promise.all([
    describeServer(cloud, call, request),
    serverGroupFor(cloud, call, request),
  ]);
  try {
    await cloud.client.nova.createServer(call, server, group === undefined ? undefined : { group });
  } catch (error) {
    const unknown =
      MulticloudError.isInstance(error) &&
      (error.code === "SERVICE_UNREACHABLE" || error.code === "SERVICE_FAILED");
    if (!unknown || context.signal.aborted || !(await turnsUp(cloud, call, request.name, error))) throw error;
  }
  cloud.servers.made(call, request.name);
}

/** Whether a machine of this name with our mark is there and is to stay, asked for now. */
async function exists(cloud: Cloud, call: SiteContext, name: string): Promise<boolean> {
  // Nova's filter only narrows (it is a regular expression, unanchored): the decision is made here.
  const servers = await cloud.client.nova.listServers(call, { name });
  return servers.some(
    (server) => isOurServer(call, server) && server.metadata["multicloud-node"] === name && isThere(server),
  );
}

/** Pauses between looks for a machine whose creation Nova may still be at, in milliseconds. */
const pausesMs = [500, 1_000, 2_000, 4_000, 8_000, 8_000];

/** Whether a creation that failed made the machine after all. One that took too long to answer may still be under way. */
async function turnsUp(
  cloud: Cloud,
  call: SiteContext,
  name: string,
  error: MulticloudError,
): Promise<boolean> {
  if (await exists(cloud, call, name)) return true;
  const isSlow = error.status === 504 || (error.cause as Error | undefined)?.name === "TimeoutError";
  for (const pauseMs of isSlow ? pausesMs : []) {
    await delay(pauseMs, call.signal);
    if (await exists(cloud, call, name)) return true;
  }
  return false;
}

async function describeServer(
  cloud: Cloud,
  call: SiteContext & { readonly node: string },
  request: MachineRequest,
): Promise<ServerCreate> {
  const pool = poolOptions(request);
  const [flavor, image, networks, group, version] = await Promise.all([
    cloud.lookup.flavor(call, request.size),
    cloud.lookup.image(call, request.image),
    cloud.lookup.networks(call, pool.network),
    cloud.lookup.siteGroup(call),
    cloud.client.nova.microversion(call),
  ]);
  const { options } = cloud;
  const zone = pool.availabilityZone ?? options.availabilityZone;
  const [network, ...others] = demand(networks, call);
  const first = await firstNetwork(cloud, call, request, network!.id);
  const imageId = demand(image, call).id;
  return {
    name: request.name,
    flavorRef: demand(flavor, call).id,
    networks: [first, ...others.map(({ id }) => ({ uuid: id }))],
    metadata: { ...serverMarks(call, request), ...("port" in first ? { [portMark]: first.port } : {}) },
    ...(atLeast(version, tagsMicroversion) ? { tags: serverTags(call) } : {}),
    key_name: sharedName(call),
    user_data: Buffer.from(request.userData).toString("base64"),
    security_groups: [demand(group, call), ...(options.securityGroups ?? [])].map((name) => ({ name })),
    ...(zone === undefined ? {} : { availability_zone: zone }),
    ...(options.configDrive ? { config_drive: true } : {}),
    ...(request.disk
      ? { block_device_mapping_v2: [await bootVolume(cloud, call, request, imageId)] }
      : { imageRef: imageId }),
  };
}

/** Where the machine's first address is: in a network, or at a port of its own when that has to be known before. */
async function firstNetwork(
  cloud: Cloud,
  call: SiteContext & { readonly node: string },
  request: MachineRequest,
  uuid: string,
): Promise<{ readonly uuid: string; readonly fixed_ip?: string } | { readonly port: string }> {
  const from = floatingIpPool(cloud, request);
  if (from !== undefined) return { port: await ensurePublicPort(cloud, call, request, uuid, from) };
  const fixed = poolOptions(request).fixedIps?.[request.name];
  return { uuid, ...(fixed === undefined ? {} : { fixed_ip: fixed }) };
}

/** A new volume with the image on it, which goes when the machine goes. */
async function bootVolume(
  cloud: Cloud,
  call: SiteContext & { readonly node: string },
  request: MachineRequest,
  imageId: string,
): Promise<BlockDevice> {
  const { sizeGiB, type } = request.disk!;
  const device: BlockDevice = {
    boot_index: 0,
    source_type: "image",
    destination_type: "volume",
    uuid: imageId,
    volume_size: sizeGiB,
    delete_on_termination: true,
  };
  if (type === undefined) return device;
  const version = await cloud.client.nova.microversion(call);
  if (!atLeast(version, volumeTypeMicroversion)) throw volumeTypeUnsupported(call, version);
  return { ...device, volume_type: demand(await cloud.lookup.volumeType(call, type), call).id };
}

/** A server can be made with tags from here on. */
const tagsMicroversion = "2.52";

/** Nova chooses the type of a boot volume from here on. */
export const volumeTypeMicroversion = "2.67";

function volumeTypeUnsupported(
  call: SiteContext & { readonly node: string },
  version: string | undefined,
): MulticloudError {
  return new MulticloudError(
    `this cloud's Nova (microversion ${version ?? "2.1"}) cannot choose the type of a boot volume`,
    {
      code: "REQUEST_REFUSED",
      service: "nova",
      site: call.site,
      node: call.node,
      hint: `leave disk.type out, or use a cloud with microversion ${volumeTypeMicroversion} (2018) or newer`,
    },
  );
}

import { type MachineRequest, MulticloudError, type SiteContext } from "@multicloud/core/plugin";
import { atLeast, type BlockDevice, type ServerCreate } from "./client/index.js";
import type { Cloud } from "./cloud.js";
import { demand } from "./lookup.js";
import { statusOf } from "./machines.js";
import { isOurServer, serverMarks, sharedName } from "./marks.js";
import { poolOptions } from "./pool-options.js";
import { serverGroupFor } from "./server-groups.js";

/**
 * Starts making one machine. It is looked for first, so that a call which was cut off finds what it had
 * made. The create itself is never sent twice: when its answer is lost, the machine is looked for again.
 */
export async function createMachine(
  cloud: Cloud,
  context: SiteContext,
  request: MachineRequest,
): Promise<void> {
  const call = { ...context, node: request.name };
  if (await exists(cloud, call, request.name)) return;
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
    if (!unknown || context.signal.aborted || !(await exists(cloud, call, request.name))) throw error;
  }
}

/** Whether a machine of this name with our mark is there and is to stay. */
async function exists(cloud: Cloud, call: SiteContext, name: string): Promise<boolean> {
  // Nova's filter only narrows (it is a regular expression, unanchored): the decision is made here.
  const servers = await cloud.client.nova.listServers(call, { name });
  return servers.some(
    (server) =>
      isOurServer(call, server) &&
      server.metadata["multicloud-node"] === name &&
      server.status !== "DELETED" &&
      server.status !== "SOFT_DELETED" &&
      statusOf(server) !== "deleting",
  );
}

async function describeServer(
  cloud: Cloud,
  call: SiteContext & { readonly node: string },
  request: MachineRequest,
): Promise<ServerCreate> {
  const pool = poolOptions(request);
  const [flavor, image, networks, group] = await Promise.all([
    cloud.lookup.flavor(call, request.size),
    cloud.lookup.image(call, request.image),
    cloud.lookup.networks(call, pool.network),
    cloud.lookup.siteGroup(call),
  ]);
  const { options } = cloud;
  const zone = pool.availabilityZone ?? options.availabilityZone;
  const imageId = demand(image, call).id;
  return {
    name: request.name,
    flavorRef: demand(flavor, call).id,
    networks: demand(networks, call).map(({ id }, n) => {
      const fixed = n === 0 ? pool.fixedIps?.[request.name] : undefined;
      return { uuid: id, ...(fixed === undefined ? {} : { fixed_ip: fixed }) };
    }),
    metadata: serverMarks(call, request),
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

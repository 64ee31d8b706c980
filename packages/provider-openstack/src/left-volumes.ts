import { MulticloudError, poll, type SiteContext } from "@multicloud/core/plugin";
import type { Server, Volume } from "./client/index.js";
import type { Cloud } from "./cloud.js";
import { isNodeMark, nodeMark, sharedName } from "./marks.js";

type NodeCall = SiteContext & { readonly node: string };

/** Nova gives up on a volume by its id, which is then known from nowhere else. */
const volumeInFault = /\bvolume ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b/i;

/**
 * Marks the boot volumes of a server that failed. Nova takes them along when it deletes the server, but may
 * lose sight of one; marked, it is found again also when the run is cut off before it is deleted here. Gives
 * their ids.
 */
export async function markLeftVolumes(
  cloud: Cloud,
  call: NodeCall,
  server: Server,
): Promise<readonly string[]> {
  const attached = (server["os-extended-volumes:volumes_attached"] ?? []).filter(
    (volume) => volume.delete_on_termination,
  );
  const named = volumeInFault.exec(server.fault?.message ?? "")?.[1];
  const ids = new Set([...attached.map(({ id }) => id), ...(named === undefined ? [] : [named])]);
  const marked: string[] = [];
  for (const id of ids) {
    const volume = await cloud.client.cinder.getVolume(call, id);
    if (!volume) continue;
    const description = nodeMark(call, call.node);
    // Nova gives its boot volumes no name: one that has another is somebody's.
    if (volume.name !== "" && volume.description !== description) continue;
    if (volume.description !== description)
      await cloud.client.cinder.updateVolume(call, id, { name: sharedName(call), description });
    marked.push(id);
  }
  return marked;
}

/** Deletes the marked volumes of a server that is being deleted, once it is gone and they are still there. */
export async function deleteLeftVolumes(
  cloud: Cloud,
  call: NodeCall,
  server: Server,
  ids: readonly string[],
): Promise<void> {
  if (ids.length === 0) return;
  const { nova, cinder } = cloud.client;
  await poll({
    what: `server ${server.id} to be gone, so that its volume can be deleted`,
    check: async (signal) => ((await nova.getServer({ ...call, signal }, server.id)) ? undefined : true),
    intervalMs: 500,
    timeoutMs: 60_000,
    signal: call.signal,
    site: call.site,
    node: call.node,
  });
  for (const id of ids) {
    const volume = await cinder.getVolume(call, id);
    if (volume && isIdle(volume)) await cinder.deleteVolume(call, id);
  }
}

/**
 * Deletes the marked volumes that are in nobody's use. One that is still being made, or deleted, can only be
 * waited for.
 *
 * @param waitMs how long to wait for those; 0 leaves them to the next run
 */
export async function deleteMarkedVolumes(cloud: Cloud, context: SiteContext, waitMs: number): Promise<void> {
  const { cinder } = cloud.client;
  const once = async (signal: AbortSignal) => {
    const call = { ...context, signal };
    const left = (await listMarked(cloud, call)).filter(({ attachments }) => attachments.length === 0);
    for (const volume of left) if (isIdle(volume)) await cinder.deleteVolume(call, volume.id);
    return left.every(isIdle) ? true : undefined;
  };
  if ((await once(context.signal)) || waitMs === 0) return;
  await poll({
    what: `the volumes of failed builds (${sharedName(context)}) to be done, so that they can be deleted`,
    check: once,
    intervalMs: 1_000,
    timeoutMs: waitMs,
    signal: context.signal,
    site: context.site,
    hint: `see: openstack volume list --name ${sharedName(context)}`,
  });
}

async function listMarked(cloud: Cloud, call: SiteContext): Promise<readonly Volume[]> {
  try {
    const named = await cloud.client.cinder.listVolumes(call, { name: sharedName(call) });
    return named.filter(({ description }) => isNodeMark(call, description ?? ""));
  } catch (error) {
    // A cloud without block storage, or one that this user may not see, has no volumes of ours.
    if (MulticloudError.isInstance(error) && ["CONFIG_INVALID", "FORBIDDEN"].includes(error.code)) return [];
    throw error;
  }
}

/** The statuses in which Cinder deletes a volume ("Volumes", Block Storage API v3). */
function isIdle({ status, attachments }: Volume): boolean {
  return attachments.length === 0 && ["available", "error", "error_deleting"].includes(status);
}

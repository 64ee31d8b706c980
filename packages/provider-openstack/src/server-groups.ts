import {
  type MachineRequest,
  type MachineRole,
  MulticloudError,
  type SiteContext,
} from "@multicloud/core/plugin";
import { atLeast, type ServerGroup, type ServerGroupPolicy } from "./client/index.js";
import type { Cloud } from "./cloud.js";
import { demand } from "./lookup.js";
import { serverGroupMark } from "./marks.js";

/** The oldest microversion in which hosts are kept apart only as far as there are enough of them. */
export const softPolicyMicroversion = "2.15";

/**
 * The group whose members the scheduler puts on hosts of their own: one for the masters and one for the
 * workers. It is made when the first machine needs it. `undefined` when the machines may be anywhere, or the
 * cloud is too old to be asked softly.
 */
export async function serverGroupFor(
  cloud: Cloud,
  call: SiteContext,
  request: MachineRequest,
): Promise<string | undefined> {
  const { antiAffinity } = cloud.options;
  if (!antiAffinity || !isKeptApart(request)) return undefined;
  const policy = policyOf(antiAffinity);
  if (antiAffinity === "soft") {
    const version = await cloud.client.nova.microversion(call);
    if (!atLeast(version, softPolicyMicroversion)) return undefined;
  }
  const name = serverGroupName(call, request.role, antiAffinity);
  const ensure = cloud.lookup.once(`server group ${name}`, async (own) => ({
    thing: (await findGroup(cloud, own, name)) ?? (await createGroup(cloud, own, name, policy)),
  }));
  return demand(await ensure(call), call).id;
}

/** Whether a machine has others of its role to be kept apart from: a site has one gateway. */
export const isKeptApart = ({ role }: Pick<MachineRequest, "role">) => role !== "gateway";

/** Name of the group of a role's machines. The policy is in it: a group cannot change it. */
export function serverGroupName(call: SiteContext, role: MachineRole, antiAffinity: "soft" | "hard"): string {
  return `${serverGroupMark(call)}${role}s ${policyOf(antiAffinity)}`;
}

function policyOf(antiAffinity: "soft" | "hard"): ServerGroupPolicy {
  return antiAffinity === "soft" ? "soft-anti-affinity" : "anti-affinity";
}

async function findGroup(cloud: Cloud, call: SiteContext, name: string): Promise<ServerGroup | undefined> {
  const groups = await cloud.client.nova.listServerGroups(call);
  return groups.filter((group) => group.name === name).sort((a, b) => (a.id < b.id ? -1 : 1))[0];
}

/** Not sent twice: a group whose answer was lost is looked for. */
async function createGroup(
  cloud: Cloud,
  call: SiteContext,
  name: string,
  policy: ServerGroupPolicy,
): Promise<ServerGroup> {
  try {
    return await cloud.client.nova.createServerGroup(call, name, policy);
  } catch (error) {
    const unknown =
      MulticloudError.isInstance(error) && ["SERVICE_UNREACHABLE", "SERVICE_FAILED"].includes(error.code);
    if (!unknown || call.signal.aborted) throw error;
    const found = await findGroup(cloud, call, name);
    if (!found) throw error;
    return found;
  }
}

/** Removes the site's groups, also those of settings that hold no longer. */
export async function deleteServerGroups(cloud: Cloud, call: SiteContext): Promise<void> {
  // Whoever may not see any has made none.
  const groups = await cloud.client.nova.listServerGroups(call).catch((error: unknown) => {
    if (MulticloudError.isInstance(error) && error.code === "FORBIDDEN") return [];
    throw error;
  });
  for (const group of groups) {
    if (group.name.startsWith(serverGroupMark(call)))
      await cloud.client.nova.deleteServerGroup(call, group.id);
  }
}

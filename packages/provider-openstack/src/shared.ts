import { delay, MulticloudError, type SharedRequest, type SiteContext } from "@multicloud/core/plugin";
import type { Keypair, SecurityGroup } from "./client/index.js";
import type { Cloud } from "./cloud.js";
import { firewallChange } from "./firewall.js";
import { removeAllLeftovers, removeLeftovers } from "./leftovers.js";
import { groupMark, isOurKeypair, keyOf, markedPublicKey, ourGroups, sharedName } from "./marks.js";
import { deleteServerGroups } from "./server-groups.js";

/** Makes the site's security group and key pair as wanted, and takes away what killed runs left. All is judged before anything is written. */
export async function ensureShared(
  cloud: Cloud,
  context: SiteContext,
  request: SharedRequest,
): Promise<void> {
  const { nova, neutron } = cloud.client;
  const name = sharedName(context);
  const [keypair, groups] = await Promise.all([
    nova.getKeypair(context, name),
    neutron.listSecurityGroups(context, { name }),
  ]);
  const [ours] = ourGroups(context, groups);
  if (keypair) refuseOtherKey(context, keypair, request.sshPublicKey);
  if (!ours && groups[0]) throw foreignGroup(context, groups[0]);

  const group =
    ours ?? (await neutron.createSecurityGroup(context, { name, description: groupMark(context) }));
  await ensureRules(cloud, context, group, request);
  if (!keypair) await createKeypair(cloud, context, request.sshPublicKey);
  await removeLeftovers(cloud, context);
}

/** Lets in first, then shuts: a changed source must not lock the operator out in between. */
async function ensureRules(
  cloud: Cloud,
  context: SiteContext,
  group: SecurityGroup,
  request: SharedRequest,
): Promise<void> {
  const { neutron } = cloud.client;
  let current = group;
  for (let tries = 1; ; tries++) {
    const { create, remove } = firewallChange(current, request.firewall);
    const outcome = create.length > 0 ? await neutron.createSecurityGroupRules(context, create) : "created";
    if (outcome === "created") {
      for (const id of remove) await neutron.deleteSecurityGroupRule(context, id);
      return;
    }
    // Somebody else is at it too: look again.
    const groups = await neutron.listSecurityGroups(context, { name: group.name });
    current = groups.find((other) => other.id === group.id) ?? current;
    if (tries >= 3) {
      throw new MulticloudError(`the rules of the security group ${group.name} keep changing`, {
        code: "CONFLICT",
        service: "neutron",
        site: context.site,
        hint: "another run may be at work on this site; wait for it to end",
      });
    }
  }
}

async function createKeypair(cloud: Cloud, context: SiteContext, publicKey: string): Promise<void> {
  const { nova } = cloud.client;
  const name = sharedName(context);
  try {
    await nova.createKeypair(context, name, markedPublicKey(context, publicKey));
  } catch (error) {
    if (!MulticloudError.isInstance(error) || error.code !== "CONFLICT") throw error;
    const keypair = await nova.getKeypair(context, name);
    if (!keypair) throw error;
    refuseOtherKey(context, keypair, publicKey);
  }
}

function refuseOtherKey(context: SiteContext, keypair: Keypair, publicKey: string): void {
  if (keyOf(keypair.public_key) === keyOf(publicKey)) return;
  throw new MulticloudError(
    `the key pair ${keypair.name} (${keypair.fingerprint}) holds another key than this run's`,
    {
      code: "CONFLICT",
      service: "nova",
      site: context.site,
      hint: isOurKeypair(context, keypair)
        ? "this cluster was made from another state directory: use that one, or delete the key pair if the cluster is gone"
        : "it is not this cluster's: rename the cluster or the site, or delete the key pair if nothing needs it",
    },
  );
}

function foreignGroup(context: SiteContext, group: SecurityGroup): MulticloudError {
  return new MulticloudError(
    `a security group ${group.name} (${group.id}) exists that is not this cluster's`,
    {
      code: "CONFLICT",
      service: "neutron",
      site: context.site,
      hint: "rename the cluster or the site, or delete the group if nothing needs it",
    },
  );
}

/** Removes the key pair, the server groups and the security group, if they are ours. The group is in use until the last machine's port is gone. */
export async function deleteShared(cloud: Cloud, context: SiteContext): Promise<void> {
  const { nova, neutron } = cloud.client;
  const name = sharedName(context);
  const [keypair, groups] = await Promise.all([
    nova.getKeypair(context, name),
    neutron.listSecurityGroups(context, { name }),
  ]);
  if (keypair && isOurKeypair(context, keypair)) await nova.deleteKeypair(context, name);
  await Promise.all([deleteServerGroups(cloud, context), removeAllLeftovers(cloud, context)]);
  for (const group of ourGroups(context, groups)) await deleteGroup(cloud, context, group);
}

async function deleteGroup(cloud: Cloud, context: SiteContext, group: SecurityGroup): Promise<void> {
  const timeoutMs = cloud.options.releaseTimeoutMs ?? 180_000;
  const started = performance.now();
  for (let attempt = 1; ; attempt++) {
    if ((await cloud.client.neutron.deleteSecurityGroup(context, group.id)) !== "in-use") return;
    const delayMs = Math.round(Math.min(5_000, 100 * 1.5 ** attempt) * (0.75 + 0.25 * Math.random()));
    if (performance.now() - started + delayMs > timeoutMs) {
      throw new MulticloudError(`the security group ${group.name} is still in use`, {
        code: "CONFLICT",
        service: "neutron",
        site: context.site,
        hint: `a port still has it (openstack port list --security-group ${group.id}); remove that and run again`,
      });
    }
    context.report({
      type: "retry",
      service: "neutron",
      message: `the security group ${group.name} is still in use`,
      attempt,
      delayMs,
    });
    await delay(delayMs, context.signal);
  }
}

import { nearest, type SiteContext, type SiteRequest } from "@multicloud/core/plugin";
import { checkFixedIps } from "./check-fixed-ips.js";
import type { SecurityGroup } from "./client/index.js";
import type { Cloud } from "./cloud.js";
import { type Findings, poolOf, take } from "./findings.js";
import { firewallChange } from "./firewall.js";
import { ourGroups, sharedName } from "./marks.js";
import { poolOptions } from "./pool-options.js";
import { floatingIpPool } from "./public-ports.js";
import { networkProblem } from "./quota.js";

/** Networks, external networks and security groups by name, clashes, and whether the network quota has room. */
export async function checkNetwork(
  cloud: Cloud,
  context: SiteContext,
  request: SiteRequest,
  findings: Findings,
): Promise<void> {
  const [groups] = await Promise.all([
    cloud.client.neutron.listSecurityGroups(context),
    checkNetworks(cloud, context, request, findings),
    checkFloatingIps(cloud, context, request, findings),
    checkFixedIps(cloud, context, request, findings),
  ]);
  checkGroups(cloud, context, groups, findings);
  await checkQuota(cloud, context, request, groups, findings);
}

async function checkNetworks(
  cloud: Cloud,
  context: SiteContext,
  request: SiteRequest,
  findings: Findings,
): Promise<void> {
  const own = request.machines.filter((machine) => poolOptions(machine).network !== undefined);
  if (own.length === 0 || own.length < request.machines.length) {
    take(findings, "provider.network", await cloud.lookup.networks(context));
  }
  for (const machine of own) {
    const found = await cloud.lookup.networks(context, poolOptions(machine).network);
    take(findings, `${poolOf(machine)}.providerOptions.network`, found);
  }
}

async function checkFloatingIps(
  cloud: Cloud,
  context: SiteContext,
  request: SiteRequest,
  findings: Findings,
): Promise<void> {
  for (const machine of request.machines) {
    const pool = floatingIpPool(cloud, machine);
    if (pool === undefined) continue;
    const own = poolOptions(machine).floatingIp !== undefined;
    const found = await cloud.lookup.externalNetwork(context, pool);
    take(findings, own ? `${poolOf(machine)}.providerOptions.floatingIp` : "provider.floatingIp", found);
  }
}

function checkGroups(
  cloud: Cloud,
  context: SiteContext,
  groups: readonly SecurityGroup[],
  findings: Findings,
): void {
  const name = sharedName(context);
  const sameName = groups.filter((group) => group.name === name);
  if (sameName.length > 0 && ourGroups(context, sameName).length === 0) {
    findings.problem({
      path: "provider",
      message: `a security group ${name} exists that is not this cluster's`,
      given: name,
      hint: "rename the cluster or the site, or delete the group if nothing needs it",
    });
  }
  for (const wanted of cloud.options.securityGroups ?? []) {
    if (groups.some((group) => group.id === wanted || group.name === wanted)) continue;
    const suggestion = nearest(
      wanted,
      groups.map((group) => group.name),
    );
    findings.problem({
      path: "provider.securityGroups",
      message: `there is no security group ${wanted}`,
      given: wanted,
      allowed: groups.map((group) => group.name),
      ...(suggestion === undefined ? {} : { suggestion }),
    });
  }
}

/** Asks for the quota only when something is to be made. */
async function checkQuota(
  cloud: Cloud,
  context: SiteContext,
  request: SiteRequest,
  groups: readonly SecurityGroup[],
  findings: Findings,
): Promise<void> {
  const toCreate = request.machines.filter((machine) => request.toCreate.includes(machine.name));
  let ports = 0;
  for (const machine of toCreate) {
    const found = await cloud.lookup.networks(context, poolOptions(machine).network);
    ports += "thing" in found ? found.thing.length : 1;
  }
  const [ours] = ourGroups(context, groups);
  const wanted = firewallChange(ours ?? { id: "", security_group_rules: [] }, request.firewall ?? []).create;
  const needed = {
    floatingip: toCreate.filter((machine) => floatingIpPool(cloud, machine) !== undefined).length,
    port: ports,
    security_group: ours ? 0 : 1,
    // Neutron puts two into each new group.
    security_group_rule: wanted.length + (ours ? 0 : 2),
  };
  if (toCreate.length === 0 && (ours || request.machines.length === 0)) return;
  const problem = networkProblem(needed, await cloud.client.neutron.quotas(context));
  if (problem) findings.problem(problem);
}

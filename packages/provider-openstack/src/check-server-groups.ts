import type { SiteContext, SiteRequest } from "@multicloud/core/plugin";
import { atLeast } from "./client/index.js";
import type { Cloud } from "./cloud.js";
import { type Findings, poolOf } from "./findings.js";
import { serverGroupProblem } from "./quota.js";
import { isKeptApart, serverGroupName, softPolicyMicroversion } from "./server-groups.js";

/** Whether this cloud keeps machines apart, and whether the quota has room for the groups and their members. */
export async function checkAntiAffinity(
  cloud: Cloud,
  context: SiteContext,
  request: SiteRequest,
  findings: Findings,
): Promise<void> {
  const { antiAffinity } = cloud.options;
  const { nova } = cloud.client;
  if (!antiAffinity) return;
  if (antiAffinity === "soft") {
    const version = await nova.microversion(context);
    if (!atLeast(version, softPolicyMicroversion)) {
      findings.warning({
        path: "provider.antiAffinity",
        message: `this cloud's Nova (microversion ${version ?? "2.1"}) knows no soft anti-affinity: machines may share a host`,
        hint: "use hard if there are enough hosts",
      });
      return;
    }
  }
  const pools = new Map<string, number>();
  const machines = request.machines.filter(isKeptApart);
  for (const machine of machines) pools.set(poolOf(machine), (pools.get(poolOf(machine)) ?? 0) + 1);
  if (request.toCreate.length === 0) return;
  const [limits, groups] = await Promise.all([nova.limits(context), nova.listServerGroups(context)]);
  const roles = new Set(
    machines.filter(({ name }) => request.toCreate.includes(name)).map(({ role }) => role),
  );
  const missing = [...roles].filter(
    (role) => !groups.some(({ name }) => name === serverGroupName(context, role, antiAffinity)),
  );
  const problem = serverGroupProblem(missing.length, Math.max(...pools.values()), limits);
  if (problem) findings.problem(problem);
}

import type { MachineShape, Problem } from "@multicloud/core/plugin";
import type { ComputeLimits, Flavor, NetworkQuotas, VolumeLimits } from "./client/index.js";

/** One thing that is counted. */
interface Share {
  readonly unit: string;
  readonly needed: number;
  /** -1 is unlimited. */
  readonly quota: number;
  readonly used: number;
}

/** A problem when the compute quota has no room for these machines. */
export function computeProblem(flavors: readonly Flavor[], limits: ComputeLimits): Problem | undefined {
  return problemOf([
    {
      unit: "instances",
      needed: flavors.length,
      quota: limits.maxTotalInstances,
      used: limits.totalInstancesUsed,
    },
    {
      unit: "vCPU",
      needed: sum(flavors.map((flavor) => flavor.vcpus)),
      quota: limits.maxTotalCores,
      used: limits.totalCoresUsed,
    },
    {
      unit: "MiB RAM",
      needed: sum(flavors.map((flavor) => flavor.ram)),
      quota: limits.maxTotalRAMSize,
      used: limits.totalRAMUsed,
    },
  ]);
}

/** A problem when the volume quota has no room for the boot volumes of these machines. */
export function volumeProblem(machines: readonly MachineShape[], limits: VolumeLimits): Problem | undefined {
  const sizes = machines.flatMap((machine) => (machine.disk ? [machine.disk.sizeGiB] : []));
  return problemOf([
    {
      unit: "volumes",
      needed: sizes.length,
      quota: limits.maxTotalVolumes,
      used: limits.totalVolumesUsed,
    },
    {
      unit: "GiB of volumes",
      needed: sum(sizes),
      quota: limits.maxTotalVolumeGigabytes,
      used: limits.totalGigabytesUsed,
    },
  ]);
}

/** A problem when the network quota has no room. What the cloud does not tell of has room. */
export function networkProblem(
  needed: Readonly<Record<keyof NetworkQuotas, number>>,
  quotas: NetworkQuotas,
): Problem | undefined {
  const units: Readonly<Record<keyof NetworkQuotas, string>> = {
    floatingip: "floating IPs",
    port: "ports",
    security_group: "security groups",
    security_group_rule: "security group rules",
  };
  const shares = Object.entries(units).flatMap(([name, unit]) => {
    const resource = name as keyof NetworkQuotas;
    const quota = quotas[resource];
    return quota ? [{ unit, needed: needed[resource], quota: quota.limit, used: quota.used }] : [];
  });
  return problemOf(shares.filter(isShort));
}

/** A problem when the quota has no room for server groups, or one may not have that many servers. */
export function serverGroupProblem(
  groups: number,
  members: number,
  limits: ComputeLimits,
): Problem | undefined {
  const { maxServerGroups, totalServerGroupsUsed, maxServerGroupMembers } = limits;
  const shares = [
    {
      unit: "server groups",
      needed: groups,
      quota: maxServerGroups ?? -1,
      used: totalServerGroupsUsed ?? 0,
    },
    { unit: "servers in a server group", needed: members, quota: maxServerGroupMembers ?? -1, used: 0 },
  ];
  return problemOf(shares.filter(isShort));
}

function problemOf(shares: readonly Share[]): Problem | undefined {
  if (!shares.some(isShort)) return undefined;
  const needed = shares.map((share) => `${share.needed} ${share.unit}`).join(" / ");
  const room = shares.map((share) => (share.quota < 0 ? "unlimited" : Math.max(0, left(share)))).join(" / ");
  return {
    path: "provider",
    message: `needs ${needed}, quota leaves ${room}`,
    hint: "ask for fewer or smaller machines, delete what is not needed, or have the project's quota raised",
  };
}

function left(share: Share): number {
  return share.quota < 0 ? Number.POSITIVE_INFINITY : share.quota - share.used;
}

function isShort(share: Share): boolean {
  return share.needed > 0 && share.needed > left(share);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

import {
  type MachineShape,
  MulticloudError,
  nearest,
  type Problem,
  type ProviderCheck,
  type SiteContext,
  type SiteRequest,
} from "@multicloud/core/plugin";
import { atLeast } from "./client/index.js";
import type { Cloud } from "./cloud.js";
import { volumeTypeMicroversion } from "./create.js";
import type { Found } from "./lookup.js";
import { isOurKeypair, ourGroups, sharedName } from "./marks.js";
import { poolOptionNames, poolOptionProblem, poolOptions } from "./pool-options.js";
import { floatingIpPool } from "./public-ports.js";
import { computeProblem, floatingIpProblem, volumeProblem } from "./quota.js";
import { softPolicyMicroversion } from "./server-groups.js";

/** Collects what is wrong, each thing once however many machines it concerns. */
function createFindings() {
  const problems = new Map<string, Problem>();
  const warnings = new Map<string, Problem>();
  const add = (to: Map<string, Problem>) => (problem: Problem) =>
    void to.set(`${problem.path} ${problem.message}`, problem);
  return { problems, warnings, problem: add(problems), warning: add(warnings) };
}

type Findings = ReturnType<typeof createFindings>;

/** Everything that can be known before the first effect: credentials, names, clashes, quota. Reads only. */
export async function checkSite(
  cloud: Cloud,
  context: SiteContext,
  request: SiteRequest,
): Promise<ProviderCheck> {
  const findings = createFindings();
  cloud.lookup.forget();
  checkPoolOptions(request.machines, findings);
  const entered = await asProblem(findings, "provider", async () => {
    await cloud.client.authorize(context);
    for (const message of (await cloud.client.settings()).warnings) {
      findings.warning({ path: "provider", message });
    }
  });
  if (entered) {
    const parts = [
      () => checkMachines(cloud, context, request, findings),
      () => checkNetworks(cloud, context, request, findings),
      () => checkFloatingIps(cloud, context, request, findings),
      () => checkAntiAffinity(cloud, context, findings),
      () => checkZones(cloud, context, request, findings),
      () => checkGroups(cloud, context, findings),
      () => checkKeypair(cloud, context, findings),
      () => checkVolumes(cloud, context, request, findings),
    ];
    await Promise.all(parts.map((part) => asProblem(findings, "provider", part)));
  }
  return { problems: [...findings.problems.values()], warnings: [...findings.warnings.values()] };
}

/** What is the user's to put right becomes a problem; a cloud that does not answer stays an error. */
async function asProblem(findings: Findings, path: string, run: () => Promise<void>): Promise<boolean> {
  try {
    await run();
    return true;
  } catch (error) {
    const codes = ["AUTH_FAILED", "CONFIG_INVALID", "FORBIDDEN"];
    if (!MulticloudError.isInstance(error) || !codes.includes(error.code)) throw error;
    findings.problem({ path, message: error.message, ...(error.hint ? { hint: error.hint } : {}) });
    return false;
  }
}

function checkPoolOptions(machines: readonly MachineShape[], findings: Findings): void {
  for (const machine of machines) {
    for (const [name, value] of Object.entries(machine.providerOptions ?? {})) {
      const path = `${poolOf(machine)}.providerOptions.${name}`;
      const known = poolOptionNames.find((option) => option === name);
      const wrong = known && poolOptionProblem(known, value);
      if (!known) {
        const suggestion = nearest(name, poolOptionNames);
        findings.problem({
          path,
          message: "OpenStack machines have no such option",
          given: name,
          allowed: poolOptionNames,
          ...(suggestion === undefined ? {} : { suggestion }),
        });
      } else if (wrong) {
        findings.problem({ path, message: wrong, given: JSON.stringify(value) ?? "undefined" });
      }
    }
  }
}

async function checkMachines(
  cloud: Cloud,
  context: SiteContext,
  request: SiteRequest,
  findings: Findings,
): Promise<void> {
  const toCreate = new Set(request.toCreate);
  const [limits, judged] = await Promise.all([
    cloud.client.nova.limits(context),
    Promise.all(
      request.machines.map(async (machine) => {
        const [flavor, image] = await Promise.all([
          cloud.lookup.flavor(context, machine.size),
          cloud.lookup.image(context, machine.image),
        ]);
        const size = take(findings, `${poolOf(machine)}.size`, flavor);
        const picture = take(findings, `${poolOf(machine)}.image`, image);
        if (size && picture) checkFit(machine, size, picture, findings);
        return toCreate.has(machine.name) && size ? [size] : [];
      }),
    ),
  ]);
  const problem = computeProblem(judged.flat(), limits);
  if (problem) findings.problem(problem);
}

function checkFit(
  machine: MachineShape,
  flavor: { readonly name: string; readonly ram: number; readonly disk: number },
  image: { readonly min_ram: number; readonly min_disk: number },
  findings: Findings,
): void {
  const pool = poolOf(machine);
  if (flavor.ram < image.min_ram) {
    findings.problem({
      path: `${pool}.size`,
      message: `image ${machine.image} needs ${image.min_ram} MiB RAM, ${flavor.name} has ${flavor.ram}`,
      given: machine.size,
    });
  }
  if (machine.disk && machine.disk.sizeGiB < image.min_disk) {
    findings.problem({
      path: `${pool}.disk.sizeGiB`,
      message: `image ${machine.image} needs a disk of ${image.min_disk} GiB`,
      given: String(machine.disk.sizeGiB),
    });
  }
  if (!machine.disk && flavor.disk === 0) {
    findings.warning({
      path: `${pool}.disk`,
      message: `${flavor.name} has no disk of its own; most clouds refuse it without \`disk\``,
    });
  } else if (!machine.disk && flavor.disk < image.min_disk) {
    findings.problem({
      path: `${pool}.size`,
      message: `image ${machine.image} needs a disk of ${image.min_disk} GiB, ${flavor.name} has ${flavor.disk}`,
      given: machine.size,
      hint: "choose a larger size, or boot from a volume with `disk`",
    });
  }
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
  const { projectId } = await cloud.client.authorize(context);
  for (const machine of request.machines) {
    const { fixedIps, network } = poolOptions(machine);
    if (fixedIps?.[machine.name] === undefined) continue;
    const found = await cloud.lookup.networks(context, network);
    const first = "thing" in found ? found.thing[0] : undefined;
    if (first?.project_id === undefined || first.project_id === projectId) continue;
    // Nova would say only that all hosts failed.
    findings.problem({
      path: `${poolOf(machine)}.providerOptions.fixedIps`,
      message: `network ${first.name} is another project's: only its owner may choose addresses in it`,
      given: fixedIps[machine.name]!,
      hint: "leave fixedIps out, or put a network of this project first",
    });
  }
}

async function checkFloatingIps(
  cloud: Cloud,
  context: SiteContext,
  request: SiteRequest,
  findings: Findings,
): Promise<void> {
  const wanting = request.machines.filter((machine) => floatingIpPool(cloud, machine) !== undefined);
  if (wanting.length === 0) return;
  for (const machine of wanting) {
    const own = poolOptions(machine).floatingIp !== undefined;
    const found = await cloud.lookup.externalNetwork(context, floatingIpPool(cloud, machine)!);
    take(findings, own ? `${poolOf(machine)}.providerOptions.floatingIp` : "provider.floatingIp", found);
  }
  const needed = wanting.filter((machine) => request.toCreate.includes(machine.name)).length;
  const quota = needed > 0 ? await cloud.client.neutron.floatingIpQuota(context) : undefined;
  const problem = quota && floatingIpProblem(needed, quota);
  if (problem) findings.problem(problem);
}

async function checkAntiAffinity(cloud: Cloud, context: SiteContext, findings: Findings): Promise<void> {
  if (cloud.options.antiAffinity !== "soft") return;
  const version = await cloud.client.nova.microversion(context);
  if (atLeast(version, softPolicyMicroversion)) return;
  findings.warning({
    path: "provider.antiAffinity",
    message: `this cloud's Nova (microversion ${version ?? "2.1"}) knows no soft anti-affinity: machines may share a host`,
    hint: "use hard if there are enough hosts",
  });
}

async function checkZones(
  cloud: Cloud,
  context: SiteContext,
  request: SiteRequest,
  findings: Findings,
): Promise<void> {
  const wanted = new Map<string, string>();
  if (cloud.options.availabilityZone) wanted.set("provider.availabilityZone", cloud.options.availabilityZone);
  for (const machine of request.machines) {
    const zone = poolOptions(machine).availabilityZone;
    if (zone) wanted.set(`${poolOf(machine)}.providerOptions.availabilityZone`, zone);
  }
  if (wanted.size === 0) return;
  const zones = await cloud.client.nova.listAvailabilityZones(context);
  for (const [path, zone] of wanted) {
    if (zones.includes(zone)) continue;
    const suggestion = nearest(zone, zones);
    findings.problem({
      path,
      message: `there is no availability zone ${zone}`,
      given: zone,
      allowed: zones,
      ...(suggestion === undefined ? {} : { suggestion }),
    });
  }
}

async function checkGroups(cloud: Cloud, context: SiteContext, findings: Findings): Promise<void> {
  const groups = await cloud.client.neutron.listSecurityGroups(context);
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

/** The operator's key is not known yet; `ensureShared` compares it. */
async function checkKeypair(cloud: Cloud, context: SiteContext, findings: Findings): Promise<void> {
  const keypair = await cloud.client.nova.getKeypair(context, sharedName(context));
  if (!keypair || isOurKeypair(context, keypair)) return;
  findings.warning({
    path: "provider",
    message: `a key pair ${keypair.name} exists that does not carry this cluster's mark`,
    given: keypair.fingerprint,
    hint: "it is used if it holds this cluster's key, and never deleted; otherwise the run stops before it makes a machine",
  });
}

async function checkVolumes(
  cloud: Cloud,
  context: SiteContext,
  request: SiteRequest,
  findings: Findings,
): Promise<void> {
  const withDisk = request.machines.filter((machine) => machine.disk);
  if (withDisk.length === 0) return;
  for (const machine of withDisk) {
    const type = machine.disk?.type;
    if (type === undefined) continue;
    const path = `${poolOf(machine)}.disk.type`;
    take(findings, path, await cloud.lookup.volumeType(context, type));
    const version = await cloud.client.nova.microversion(context);
    if (atLeast(version, volumeTypeMicroversion)) continue;
    findings.problem({
      path,
      message: `this cloud's Nova (microversion ${version ?? "2.1"}) cannot choose the type of a boot volume`,
      given: type,
      hint: `leave the type out, or use a cloud with microversion ${volumeTypeMicroversion} or newer`,
    });
  }
  const toCreate = withDisk.filter((machine) => request.toCreate.includes(machine.name));
  const problem = volumeProblem(toCreate, await cloud.client.cinder.limits(context));
  if (problem) findings.problem(problem);
}

function take<T>(findings: Findings, path: string, found: Found<T>): T | undefined {
  if ("thing" in found) return found.thing;
  findings.problem({ path, ...found.problem });
  return undefined;
}

/** The pool of a machine in the site's configuration. */
function poolOf(machine: MachineShape): string {
  return `${machine.role}s`;
}

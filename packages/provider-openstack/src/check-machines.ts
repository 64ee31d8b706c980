import { type MachineShape, nearest, type SiteContext, type SiteRequest } from "@multicloud/core/plugin";
import { atLeast } from "./client/index.js";
import type { Cloud } from "./cloud.js";
import { volumeTypeMicroversion } from "./create.js";
import { type Findings, poolOf, take } from "./findings.js";
import { poolOptionNames, poolOptionProblem, poolOptions } from "./pool-options.js";
import { computeProblem, volumeProblem } from "./quota.js";

/** What a pool sets for this provider only. Asks nobody. */
export function checkPoolOptions(machines: readonly MachineShape[], findings: Findings): void {
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

/** Sizes, images, how they fit, and whether the compute quota has room. */
export async function checkMachines(
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

/** Zones by name. */
export async function checkZones(
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

/** Volume types by name, and whether the volume quota has room. */
export async function checkVolumes(
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

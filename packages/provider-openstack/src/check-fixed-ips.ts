import type { MachineShape, SiteContext, SiteRequest } from "@multicloud/core/plugin";
import type { Port } from "./client/index.js";
import type { Cloud } from "./cloud.js";
import { type Findings, poolOf } from "./findings.js";
import { isOurServer, nodeMark } from "./marks.js";
import { poolOptions } from "./pool-options.js";

const chosenFor = (machine: MachineShape) => poolOptions(machine).fixedIps?.[machine.name];

const networkOf = (machine: MachineShape) => String(poolOptions(machine).network);

/**
 * Whether machines can have the addresses that were chosen for them: Nova says no only after it has accepted a
 * machine, and by then the one that it replaces is gone.
 */
export async function checkFixedIps(
  cloud: Cloud,
  context: SiteContext,
  request: SiteRequest,
  findings: Findings,
): Promise<void> {
  const chosen = request.machines.filter((machine) => chosenFor(machine) !== undefined);
  if (chosen.length === 0) return;
  const [{ projectId }, ports] = await Promise.all([
    cloud.client.authorize(context),
    cloud.client.neutron.listPorts(context),
  ]);
  for (const machine of chosen) {
    const given = chosenFor(machine)!;
    const path = `${poolOf(machine)}.providerOptions.fixedIps`;
    const found = await cloud.lookup.networks(context, poolOptions(machine).network);
    const first = "thing" in found ? found.thing[0] : undefined;
    if (!first) continue;
    if (first.project_id !== undefined && first.project_id !== projectId) {
      findings.problem({
        path,
        message: `network ${first.name} is another project's: only its owner may choose addresses in it`,
        given,
        hint: "leave fixedIps out, or put a network of this project first",
      });
    }
    const isTwin = (other: MachineShape) =>
      other.name < machine.name && chosenFor(other) === given && networkOf(other) === networkOf(machine);
    const twin = chosen.find(isTwin);
    if (twin) {
      findings.problem({ path, message: `${twin.name} and ${machine.name} cannot have one address`, given });
    }
    const holder = ports.find(
      (port) => port.network_id === first.id && port.fixed_ips.some(({ ip_address }) => ip_address === given),
    );
    if (!holder || (await isOf(cloud, context, machine, holder))) continue;
    findings.problem({
      path,
      message: `the address of ${machine.name} is taken by the port ${holder.name || holder.id}`,
      given,
      hint: "choose one outside of the subnet's allocation pool: inside it any machine may get it first",
    });
  }
}

/** Whether a port is this very machine's: of the one that there is, or left for it by a killed run. */
async function isOf(
  cloud: Cloud,
  context: SiteContext,
  { name }: MachineShape,
  { description, device_id }: Port,
): Promise<boolean> {
  if (description === nodeMark(context, name)) return true;
  if (device_id === "") return false;
  const servers = await cloud.client.nova.listServers(context, { name });
  return servers.some(
    (server) => server.id === device_id && server.name === name && isOurServer(context, server),
  );
}

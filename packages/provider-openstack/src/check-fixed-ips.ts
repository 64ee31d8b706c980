import type { SiteContext, SiteRequest } from "@multicloud/core/plugin";
import type { Cloud } from "./cloud.js";
import { type Findings, poolOf } from "./findings.js";
import { nodeMark } from "./marks.js";
import { poolOptions } from "./pool-options.js";

/** Whether machines can have the addresses that were chosen for them: Nova says no only after it has accepted them. */
export async function checkFixedIps(
  cloud: Cloud,
  context: SiteContext,
  request: SiteRequest,
  findings: Findings,
): Promise<void> {
  const chosen = request.machines.filter(
    ({ name, ...rest }) => poolOptions({ name, ...rest }).fixedIps?.[name],
  );
  if (chosen.length === 0) return;
  const isNew = ({ name }: { readonly name: string }) => request.toCreate.includes(name);
  const [{ projectId }, ports] = await Promise.all([
    cloud.client.authorize(context),
    chosen.some(isNew) ? cloud.client.neutron.listPorts(context) : [],
  ]);
  for (const machine of chosen) {
    const { fixedIps, network } = poolOptions(machine);
    const given = fixedIps![machine.name]!;
    const path = `${poolOf(machine)}.providerOptions.fixedIps`;
    const found = await cloud.lookup.networks(context, network);
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
    const holder = ports.find(
      (port) => port.network_id === first.id && port.fixed_ips.some(({ ip_address }) => ip_address === given),
    );
    // One that a killed run has left for this very machine is used again, or goes.
    if (!holder || !isNew(machine) || holder.description === nodeMark(context, machine.name)) continue;
    findings.problem({
      path,
      message: `the address of ${machine.name} is taken by the port ${holder.name || holder.id}`,
      given,
      hint: "choose one outside of the subnet's allocation pool: inside it any machine may get it first",
    });
  }
}

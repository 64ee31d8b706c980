import type { CheckResult } from "../contracts/context.js";
import type { Gateway } from "../contracts/gateway.js";
import type { Machine } from "../contracts/provider.js";
import { MulticloudError } from "../errors/multicloud-error.js";
import { desiredMachine } from "../orchestrate/desired.js";
import { type Finding, nothing, under } from "../orchestrate/finding.js";
import type { Session } from "../orchestrate/session.js";
import type { TopologyMachine, TopologySite } from "../topology/topology.js";
import { callGateway } from "./call.js";

/** What a site's gateway thinks of its options, and of the machine that it runs on if that is there and is to stay. */
export async function checkGateway(
  session: Session,
  site: TopologySite,
  listed: Promise<{ readonly kept: readonly Machine[] }>,
): Promise<Finding> {
  const { name, config, gatewayMachine: planned } = site;
  const { gateway } = config;
  if (!gateway) return nothing;
  const path = `sites.${name}.gateway`;
  if (!gateway.machine) return under(path, await gateway.check(session.siteContext(name)));
  // A list that fails is the site's finding, not the gateway's.
  const { kept } = await listed.catch(() => ({ kept: [] }));
  const machine = kept.find((one) => one.name === planned?.name);
  const stays = machine && planned && (await isToStay(session, machine, planned));
  return under(
    path,
    await (stays ? look(session, site, gateway, machine) : gateway.check(session.siteContext(name))),
  );
}

/** Whether it can be looked at: one that is made anew, whose first boot may still go on, or that nobody can verify is none. */
async function isToStay(session: Session, machine: Machine, planned: TopologyMachine): Promise<boolean> {
  if (machine.status !== "running" || !(await session.records.read(machine.name)).activated) return false;
  // No network has a part in a gateway's boot configuration.
  return desiredMachine(session, planned, undefined).spec === machine.spec;
}

/** What does not answer is no reason to stop: that is for the run to mend, or to tell. */
async function look(
  session: Session,
  site: TopologySite,
  gateway: Gateway,
  machine: Machine,
): Promise<CheckResult> {
  try {
    return await callGateway(session, site, gateway, (one, context) => one.check(context), {
      known: { machine },
    });
  } catch (error) {
    if (!MulticloudError.isInstance(error) || error.code !== "HOST_UNREACHABLE") throw error;
    const { message, hint } = error;
    return { problems: [], warnings: [{ path: "machine", message, ...(hint ? { hint } : {}) }] };
  }
}

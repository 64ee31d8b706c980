import type { Machine } from "../contracts/provider.js";
import { acceptedKeys } from "../hosts/host-record.js";
import { desiredMachines } from "../orchestrate/desired.js";
import { type Finding, nothing, under } from "../orchestrate/finding.js";
import type { Session } from "../orchestrate/session.js";
import type { TopologySite } from "../topology/topology.js";
import { callGateway } from "./call.js";

/** What a site's gateway thinks of its options, and of the machine that it runs on if that is there and is to stay. */
export async function checkGateway(
  session: Session,
  site: TopologySite,
  listed: Promise<{ readonly kept: readonly Machine[] }>,
): Promise<Finding> {
  const { name, config, gatewayMachine } = site;
  const { gateway } = config;
  if (!gateway) return nothing;
  const path = `sites.${name}.gateway`;
  if (!gateway.machine) return under(path, await gateway.check(session.siteContext(name)));
  // A list that fails is the site's finding, not the gateway's.
  const { kept } = await listed.catch(() => ({ kept: [] }));
  const machine = kept.find((one) => one.name === gatewayMachine?.name);
  if (!machine || !(await isToStay(session, machine)))
    return under(path, await gateway.check(session.siteContext(name)));
  const check = await callGateway(session, site, gateway, (one, context) => one.check(context), {
    known: { machine },
  });
  return under(path, check);
}

/** Whether it can be looked at: one that is made anew, or that nobody can verify, is somebody else's finding. */
async function isToStay(session: Session, { name, spec, status }: Machine): Promise<boolean> {
  if (status !== "running" || acceptedKeys(await session.records.read(name)).length === 0) return false;
  // No network has a part in a gateway's boot configuration.
  return desiredMachines(session, undefined).some((wanted) => wanted.name === name && wanted.spec === spec);
}

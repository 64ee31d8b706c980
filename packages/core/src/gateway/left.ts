import { pluginProblems } from "../config/plugins.js";
import type { Problem } from "../contracts/context.js";
import type { Gateway } from "../contracts/gateway.js";
import { ValidationError } from "../errors/multicloud-error.js";
import type { Session } from "../orchestrate/session.js";
import { nearest } from "../plugin/nearest.js";
import { forgetAddress, gatewaysOnOwnMachines } from "./address.js";
import { callGateway } from "./call.js";

/** Gateways that left the configuration while they run: only who has their options can remove them. */
export async function leftGateways(session: Session): Promise<readonly Problem[]> {
  const left = (await gatewaysOnOwnMachines(session)).filter(
    ({ site }) => !session.sites.find(({ name }) => name === site)?.config.gateway,
  );
  return left.map(({ site, address }) => ({
    path: `sites.${site}.gateway`,
    message: `is not in the configuration any more, and goes on passing connections on at ${address}`,
    hint: `remove it with removeGateway(${JSON.stringify(site)}, gateway), given as it was in the configuration`,
  }));
}

/**
 * Removes a gateway that left the configuration, and puts back what was on its machine before.
 *
 * @throws ValidationError when no such gateway is known, or the configuration still has it
 */
export async function removeGateway(session: Session, site: string, gateway: Gateway): Promise<void> {
  const problems = pluginProblems("gateway", "gateway", gateway);
  const known = (await gatewaysOnOwnMachines(session)).map((one) => one.site);
  if (session.sites.some(({ name, config }) => name === site && config.gateway)) {
    problems.push({
      path: "site",
      message: "its gateway is in the configuration",
      given: site,
      hint: "take it out there first: the next up() would make it again",
    });
  } else if (!known.includes(site)) {
    const suggestion = nearest(site, known);
    problems.push({
      path: "site",
      message: "has no gateway that was left behind",
      given: site,
      allowed: known,
      ...(suggestion === undefined ? {} : { suggestion }),
    });
  }
  if (gateway?.machine) {
    problems.push({
      path: "gateway.machine",
      message: "a machine that was made for a gateway goes with the next up()",
    });
  }
  if (problems.length > 0) throw new ValidationError(problems);
  await session.steps.run({ kind: "gateway", site, title: `removing ${gateway.name}` }, () =>
    callGateway(session, { name: site }, gateway, (one, context) => one.remove(context)),
  );
  await forgetAddress(session, site);
}

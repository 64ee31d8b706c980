import { pluginProblems } from "../config/plugins.js";
import type { Problem } from "../contracts/context.js";
import type { Gateway } from "../contracts/gateway.js";
import { ValidationError } from "../errors/multicloud-error.js";
import type { Session } from "../orchestrate/session.js";
import { nearest } from "../plugin/nearest.js";
import { forgetAddress, isSetUp, rememberedAddress } from "./address.js";
import { callGateway } from "./call.js";
import { forgetOwnMachine, gatewaysOnOwnMachines, type OwnMachine } from "./own-machines.js";

/** Gateways that left the configuration while they run: only who has their options can remove them. */
export const gatewaysLeftBehind = async (session: Session): Promise<readonly OwnMachine[]> =>
  (await gatewaysOnOwnMachines(session)).filter((one) => !isWanted(session, one));

/** The same, told. */
export async function leftBehindWarnings(session: Session): Promise<readonly Problem[]> {
  return (await gatewaysLeftBehind(session)).map(({ site, at }) => ({
    path: `sites.${site}.gateway`,
    message: `the gateway on your own machine${at ? ` (${at})` : ""} is not in the configuration any more, and goes on`,
    hint: `remove it with removeGateway(${JSON.stringify(site)}, gateway), given as it was in the configuration; if the machine is gone for good, with up({ forget: [${JSON.stringify(site)}] })`,
  }));
}

function isWanted({ sites }: Session, { site, at }: OwnMachine): boolean {
  const gateway = sites.find(({ name }) => name === site)?.config.gateway;
  return gateway !== undefined && !gateway.machine && (gateway.at ?? "") === at;
}

/**
 * Removes a gateway that left the configuration, and puts back what was on its machine before.
 *
 * @throws ValidationError when no such gateway is known, the configuration still has it, or the record still holds it
 */
export async function removeGateway(session: Session, site: string, gateway: Gateway): Promise<void> {
  const problems = pluginProblems("gateway", "gateway", gateway);
  if (problems.length > 0) throw new ValidationError(problems);
  const one = { site, at: gateway.at ?? "" };
  const known = (await gatewaysOnOwnMachines(session)).map((each) => each.site);
  if (gateway.machine) {
    problems.push({
      path: "gateway.machine",
      message: "a machine that was made for a gateway goes with the next up()",
    });
  } else if (isWanted(session, one)) {
    problems.push({
      path: "site",
      message: "its gateway is in the configuration",
      given: site,
      hint: "take it out there first: the next up() would make it again",
    });
  } else if (known.length > 0 && !known.includes(site)) {
    // Without any, the state may be gone: then the machine itself says whose gateway it is.
    const suggestion = nearest(site, known);
    problems.push({
      path: "site",
      message: "has no gateway that was left behind",
      given: site,
      allowed: [...new Set(known)],
      ...(suggestion === undefined ? {} : { suggestion }),
    });
  } else if (await isInTheRecord(session, site)) {
    problems.push({
      path: "entrypoint",
      message: `${session.config.entrypoint?.record} still holds the gateway's address`,
      hint: "run up() first: it points the record elsewhere",
    });
  }
  if (problems.length > 0) throw new ValidationError(problems);
  await session.steps.run({ kind: "gateway", site, title: `removing ${gateway.name}` }, () =>
    callGateway(session, { name: site }, gateway, (each, context) => each.remove(context)),
  );
  await forgetOwnMachine(session, site, gateway);
  if (!hasGateway(session, site)) await forgetAddress(session, site);
}

const hasGateway = ({ sites }: Session, site: string) =>
  sites.some(({ name, config }) => name === site && config.gateway);

/** Whether visitors are still sent to a site that has no other way in. */
async function isInTheRecord(session: Session, site: string): Promise<boolean> {
  const { nat, gateway } = session.sites.find(({ name }) => name === site)?.config ?? {};
  const address = await rememberedAddress(session, site);
  if (address === undefined || (gateway && (await isSetUp(session, site, gateway)))) return false;
  if (!gateway && typeof nat === "object" && nat.publicAddress === address) return false;
  const record = await session.config.entrypoint?.get(session.context());
  return record?.addresses.includes(address) ?? false;
}

import {
  type CallContext,
  type CheckResult,
  MulticloudError,
  nearest,
  type Problem,
} from "@multicloud/core/plugin";
import { checkOptions } from "./check-options.js";
import type { NetworkDetails, NetworkSummary, ZeroTierController } from "./controllers/controller.js";
import { contains, parseAddress, parseCidr } from "./ipv4.js";
import { givenNetwork, readToken, tokenVariable, type ZeroTierOptions } from "./options.js";

/** Options, credentials and the network's settings; reads only. Everything found, not just the first. */
export async function check(
  context: CallContext,
  controller: ZeroTierController,
  options: ZeroTierOptions,
): Promise<CheckResult> {
  const problems = checkOptions(options);
  if (problems.some(({ path }) => path === "controller")) return { problems, warnings: [] };
  if (!readToken(options)) {
    problems.push({
      path: "token",
      message: "no API token is given",
      hint: `set the environment variable ${tokenVariable(options)} or the option token`,
    });
    return { problems, warnings: [] };
  }
  const id = givenNetwork(options);
  const seen = id ? await findNetwork(context, controller, id) : "other";
  if (typeof seen === "object") {
    const settings = checkSettings(seen, options);
    return { problems: [...problems, ...settings.problems], warnings: settings.warnings };
  }
  const networks = await listNetworks(context, controller);
  if (!networks) problems.push(refusedToken(controller, options));
  else if (options.network !== undefined) addUnknown(problems, options.network, id, networks, controller);
  return { problems, warnings: [] };
}

/** `other` when the account cannot see it: only the list tells a bad token from a network of somebody else. */
async function findNetwork(
  context: CallContext,
  controller: ZeroTierController,
  id: string,
): Promise<NetworkDetails | "other"> {
  try {
    return (await controller.getNetwork(context, id)) ?? "other";
  } catch (error) {
    if (isRefusal(error)) return "other";
    throw error;
  }
}

async function listNetworks(
  context: CallContext,
  controller: ZeroTierController,
): Promise<readonly NetworkSummary[] | undefined> {
  try {
    return await controller.listNetworks(context);
  } catch (error) {
    if (isRefusal(error)) return undefined;
    throw error;
  }
}

function isRefusal(error: unknown): boolean {
  return MulticloudError.isInstance(error) && (error.code === "AUTH_FAILED" || error.code === "FORBIDDEN");
}

function refusedToken(controller: ZeroTierController, options: ZeroTierOptions): Problem {
  return {
    path: "token",
    message: `${controller.title} refuses the API token`,
    hint: `make a new one in the account's settings; it is read from the option token or from ${tokenVariable(options)}`,
  };
}

function addUnknown(
  problems: Problem[],
  given: string,
  id: string | undefined,
  networks: readonly NetworkSummary[],
  controller: ZeroTierController,
): void {
  const byName = networks.find(({ name }) => name !== "" && name.toLowerCase() === given.toLowerCase());
  const near =
    byName?.id ??
    nearest(
      given,
      networks.map((network) => network.id),
    );
  const suggestion = near ? { suggestion: near } : {};
  const malformed = problems.findIndex(({ path }) => path === "network");
  if (!id && malformed >= 0) {
    problems[malformed] = { ...suggestion, ...problems[malformed]! };
    return;
  }
  problems.push({
    path: "network",
    message: `there is no such network in this account of ${controller.title}`,
    given,
    allowed: networks.map((network) => (network.name ? `${network.id} (${network.name})` : network.id)),
    ...suggestion,
  });
}

/** What keeps nodes from getting an address, or lets in anybody. */
function checkSettings(network: NetworkDetails, options: ZeroTierOptions): CheckResult {
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  const add = (message: string, hint: string) =>
    problems.push({ path: "network", message, given: network.id, hint });
  const where = "change it in the network's settings, or have a network made with the option create";
  if (!network.private)
    add("the network is public: anybody who knows its id would be in the cluster's network", where);
  const local = network.routes.flatMap(({ target, via }) => (via ? [] : (parseCidr(target) ?? [])));
  if (local.length === 0)
    add("the network has no IPv4 route of its own, so no address would be set on a node", where);
  const pools = network.pools.filter(
    ({ start, end }) => parseAddress(start) !== undefined && parseAddress(end),
  );
  const fixed = Object.keys(options.addresses ?? {}).length > 0;
  if (fixed && (!network.autoAssign || pools.length === 0)) {
    warnings.push({
      path: "addresses",
      message: "the network gives out no addresses, so only nodes named here get one",
    });
  } else if (!network.autoAssign) {
    add("the network gives out no IPv4 addresses (v4AssignMode.zt is off)", where);
  } else if (pools.length === 0) {
    add("the network has no pool of IPv4 addresses to give out", where);
  }
  for (const { start, end } of pools) {
    const inside = local.some(
      (route) => contains(route, parseAddress(start)!) && contains(route, parseAddress(end)!),
    );
    if (local.length > 0 && !inside)
      add(`the pool ${start} to ${end} is in none of the network's own routes`, where);
  }
  for (const [node, address] of Object.entries(options.addresses ?? {})) {
    const number = parseAddress(address);
    if (number !== undefined && !local.some((route) => contains(route, number))) {
      problems.push({
        path: `addresses.${node}`,
        message: `is in none of the own routes of network ${network.id}`,
        given: address,
      });
    }
  }
  return { problems, warnings };
}

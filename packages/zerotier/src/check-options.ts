import { nearest, type Problem } from "@multicloud/core/plugin";
import { isNetworkId } from "./interface-name.js";
import { contains, parseAddress, parseCidr } from "./ipv4.js";
import { controllerKinds, type NetworkCreation, type ZeroTierOptions } from "./options.js";

/** What is wrong with the options as they stand, without asking anybody. */
export function checkOptions(options: ZeroTierOptions): Problem[] {
  return [
    ...checkNetworkChoice(options),
    ...(options.create ? checkCreation(options.create) : []),
    ...checkRest(options),
  ];
}

function checkNetworkChoice({ network, create, controller }: ZeroTierOptions): Problem[] {
  const problems: Problem[] = [];
  if (controller !== undefined && !controllerKinds.includes(controller)) {
    problems.push({
      path: "controller",
      message: "is no controller that this package knows",
      given: String(controller),
      allowed: controllerKinds,
      ...suggest(String(controller), controllerKinds),
    });
  }
  if (network === undefined && !create) {
    problems.push({
      path: "network",
      message: "no network is given",
      hint: 'give network: "<16 hexadecimal digits>" for one that exists, or create: { cidr } to have one made',
    });
  }
  if (network !== undefined && create) {
    problems.push({ path: "create", message: "network and create exclude each other; give one of them" });
  }
  if (network !== undefined && !isNetworkId(network)) {
    const trimmed = network.trim().toLowerCase();
    problems.push({
      path: "network",
      message: "is no network id: 16 hexadecimal digits, lower case",
      given: network,
      ...(isNetworkId(trimmed) ? { suggestion: trimmed } : {}),
    });
  }
  return problems;
}

function checkCreation({ cidr, pool, routes, mtu, name }: NetworkCreation): Problem[] {
  const problems: Problem[] = [];
  const range = parseCidr(cidr);
  if (!range || range.bits > 30 || range.bits < 8) {
    problems.push({
      path: "create.cidr",
      message: "is no IPv4 network from /8 to /30 without host bits",
      given: String(cidr),
      allowed: ["for example 10.147.17.0/24"],
    });
  }
  for (const end of pool ? (["start", "end"] as const) : []) {
    const address = parseAddress(pool![end]);
    if (address === undefined || (range && !contains(range, address))) {
      problems.push({
        path: `create.pool.${end}`,
        message: `is no IPv4 address inside ${cidr}: nodes would get no address`,
        given: String(pool![end]),
      });
    }
  }
  if (pool && (parseAddress(pool.start) ?? 0) > (parseAddress(pool.end) ?? 2 ** 32)) {
    problems.push({ path: "create.pool", message: "ends before it starts" });
  }
  routes?.forEach(({ target, via }, index) => {
    if (!parseCidr(target))
      problems.push({
        path: `create.routes[${index}].target`,
        message: "is no IPv4 network",
        given: String(target),
      });
    const gateway = parseAddress(via);
    if (gateway === undefined || (range && !contains(range, gateway))) {
      problems.push({
        path: `create.routes[${index}].via`,
        message: `is no address of a member inside ${cidr}`,
        given: String(via),
      });
    }
  });
  if (mtu !== undefined && !(Number.isInteger(mtu) && mtu >= 1280 && mtu <= 10_000)) {
    problems.push({
      path: "create.mtu",
      message: "is out of range",
      given: String(mtu),
      allowed: ["1280 to 10000"],
    });
  }
  if (name !== undefined && (name.trim() === "" || name.length > 127)) {
    problems.push({ path: "create.name", message: "must have 1 to 127 characters", given: name });
  }
  return problems;
}

function checkRest(options: ZeroTierOptions): Problem[] {
  const problems: Problem[] = [];
  for (const [node, address] of Object.entries(options.addresses ?? {})) {
    if (parseAddress(address) === undefined)
      problems.push({ path: `addresses.${node}`, message: "is no IPv4 address", given: address });
  }
  options.blacklist?.forEach((cidr, index) => {
    if (!parseCidr(cidr))
      problems.push({ path: `blacklist[${index}]`, message: "is no IPv4 network", given: cidr });
  });
  if (options.release !== undefined && !/^[a-z]+$/.test(options.release)) {
    problems.push({
      path: "release",
      message: "is no code name of a Debian release",
      given: options.release,
      ...suggest(options.release, ["bookworm", "bullseye", "trixie"]),
    });
  }
  if (
    options.signingKey !== undefined &&
    !options.signingKey.includes("-----BEGIN PGP PUBLIC KEY BLOCK-----")
  ) {
    problems.push({ path: "signingKey", message: "is no ASCII-armoured OpenPGP public key" });
  }
  const rate = options.requestsPerSecond;
  if (rate !== undefined && !(Number.isInteger(rate) && rate >= 1)) {
    problems.push({
      path: "requestsPerSecond",
      message: "must be a whole number from 1",
      given: String(rate),
    });
  }
  const timeout = options.admitTimeoutMs;
  if (timeout !== undefined && !(timeout >= 1000)) {
    problems.push({
      path: "admitTimeoutMs",
      message: "must be at least 1000 milliseconds",
      given: String(timeout),
    });
  }
  return problems;
}

function suggest(given: string, candidates: readonly string[]): { suggestion?: string } {
  const suggestion = nearest(given, candidates);
  return suggestion ? { suggestion } : {};
}

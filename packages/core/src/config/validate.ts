import { isIP } from "node:net";
import type { Problem } from "../contracts/context.js";
import type { GatewayMachineSpec } from "../contracts/gateway.js";
import { parseCidr } from "./cidr.js";
import type { MulticloudConfig, PoolConfig, SiteConfig } from "./config.js";
import { configKeys, unknownKeys } from "./known-keys.js";
import { pluginProblems } from "./plugins.js";
import { quorumProblems } from "./quorum.js";
import { rangeProblems } from "./ranges.js";

/** Problems end in an error, warnings are reported by the run. */
export interface Validation {
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

const label = /^[a-z]([a-z0-9-]*[a-z0-9])?$/;

/** Everything that can be said about a configuration without asking any service. Reports all problems at once. */
export function validate(config: MulticloudConfig): Validation {
  if (typeof config !== "object" || config === null) {
    return { problems: [{ path: "", message: "the configuration must be an object" }], warnings: [] };
  }
  const problems: Problem[] = [...unknownKeys("", config, configKeys.root), ...nameProblems(config.name)];
  problems.push(...pluginProblems("overlay", "overlay", config.overlay));
  problems.push(...pluginProblems("engine", "engine", config.engine));
  if (config.entrypoint !== undefined)
    problems.push(...pluginProblems("entrypoint", "entrypoint", config.entrypoint));
  problems.push(...apiProblems(config), ...addonProblems(config), ...optionProblems(config));
  const sites = Object.entries(config.sites ?? {});
  if (sites.length === 0) problems.push({ path: "sites", message: "at least one site is needed" });
  for (const [name, site] of sites) problems.push(...siteProblems(config, name, site));
  const quorum = quorumProblems(config);
  problems.push(...quorum.problems);
  // Ranges can only be compared when the engine is one.
  if (config.engine?.cidrs) problems.push(...rangeProblems(config));
  return {
    problems,
    warnings: [...quorum.warnings, ...sites.flatMap(([name, site]) => emptySite(name, site))],
  };
}

/** Machines of a site can only be removed while the configuration has the site, so a site may be empty. */
function emptySite(name: string, site: SiteConfig): Problem[] {
  if ((!site.masters && !site.workers) || site.masters?.count || site.workers?.count) return [];
  return [
    {
      path: `sites.${name}`,
      message: "a site without machines: those it has are removed",
      hint: "take the site out of the configuration once up() has run",
    },
  ];
}

function nameProblems(name: unknown): Problem[] {
  if (typeof name !== "string") return [{ path: "name", message: "a name is needed" }];
  if (label.test(name) && name.length <= 40) return [];
  return [
    {
      path: "name",
      message: "must be a DNS label of at most 40 characters",
      given: name,
      allowed: ["a-z, 0-9 and -, beginning with a letter"],
    },
  ];
}

function apiProblems({ api, entrypoint }: MulticloudConfig): Problem[] {
  if (api === undefined) return [];
  const problems = pluginProblems("api", "entrypoint", api);
  if (problems.length > 0) return problems;
  const { record } = api;
  if (record.startsWith("*")) {
    problems.push({
      path: "api.record",
      message: "must be one name: a wildcard cannot stand in a kubeconfig",
      given: record,
      suggestion: record.replace("*", "api"),
    });
  }
  if (record === entrypoint?.record) {
    problems.push({
      path: "api.record",
      message: "is the entrypoint's record too: the API and the applications are at different addresses",
      given: record,
    });
  }
  return problems;
}

function addonProblems(config: MulticloudConfig): Problem[] {
  const problems: Problem[] = [];
  const seen = new Map<string, number>();
  for (const [index, addon] of (config.addons ?? []).entries()) {
    problems.push(...pluginProblems(`addons[${index}]`, "addon", addon));
    const earlier = seen.get(addon?.name);
    if (earlier !== undefined) {
      problems.push({
        path: `addons[${index}]`,
        message: `the addon ${addon.name} is there twice`,
        given: `also addons[${earlier}]`,
      });
    }
    seen.set(addon?.name, index);
  }
  return problems;
}

function optionProblems(config: MulticloudConfig): Problem[] {
  const problems: Problem[] = [];
  if (config.ssh) {
    problems.push(...unknownKeys("ssh", config.ssh, configKeys.ssh));
    if (config.ssh.user !== undefined && !/^[a-z_][a-z0-9_-]{0,31}$/.test(config.ssh.user)) {
      problems.push({
        path: "ssh.user",
        message: "is no user name",
        given: config.ssh.user,
        allowed: ["a-z, 0-9, _ and -"],
      });
    }
    if (config.ssh.user === "root") {
      problems.push({
        path: "ssh.user",
        message: "must not be root: the engine refuses it on some systems",
        given: "root",
      });
    }
  }
  if (config.timing) {
    problems.push(...unknownKeys("timing", config.timing, configKeys.timing));
    for (const [key, value] of Object.entries(config.timing))
      problems.push(...positive(`timing.${key}`, value));
  }
  for (const [index, rule] of (config.firewall ?? []).entries()) {
    const path = `firewall[${index}]`;
    problems.push(...unknownKeys(path, rule, configKeys.firewall));
    if (!Number.isInteger(rule.port) || rule.port < 1 || rule.port > 65535) {
      problems.push({
        path: `${path}.port`,
        message: "must be a port",
        given: String(rule.port),
        allowed: ["1 to 65535"],
      });
    }
    if (rule.protocol !== "tcp" && rule.protocol !== "udp") {
      problems.push({
        path: `${path}.protocol`,
        message: "unknown protocol",
        given: String(rule.protocol),
        allowed: ["tcp", "udp"],
      });
    }
  }
  return problems;
}

function siteProblems(config: MulticloudConfig, name: string, site: SiteConfig): Problem[] {
  const path = `sites.${name}`;
  const problems: Problem[] = [...unknownKeys(path, site, configKeys.site)];
  if (!label.test(name)) {
    problems.push({
      path,
      message: "a site's name must be a DNS label",
      given: name,
      allowed: ["a-z, 0-9 and -, beginning with a letter"],
    });
  }
  // <cluster>-<site>-master-<nnn> has to be a host name.
  if (`${config.name}-${name}-master-999`.length > 63) {
    problems.push({
      path,
      message: "cluster and site name are too long together: node names would exceed 63 characters",
      given: `${config.name}-${name}`,
    });
  }
  problems.push(...pluginProblems(`${path}.provider`, "provider", site.provider));
  if (site.gateway !== undefined) problems.push(...gatewayProblems(`${path}.gateway`, site));
  if (!site.masters && !site.workers) {
    problems.push({
      path,
      message: "a site without machines",
      hint: "give it masters or workers, or the count 0 to have those it has removed",
    });
  }
  if (site.masters) problems.push(...poolProblems(`${path}.masters`, site.masters));
  if (site.workers) problems.push(...poolProblems(`${path}.workers`, site.workers));
  if (typeof site.nat === "object") {
    problems.push(...unknownKeys(`${path}.nat`, site.nat, configKeys.nat));
    const address = site.nat.publicAddress;
    if (address !== undefined && !isIP(address))
      problems.push({ path: `${path}.nat.publicAddress`, message: "is no IP address", given: address });
  }
  if (site.cidr !== undefined && !parseCidr(site.cidr)) {
    problems.push({
      path: `${path}.cidr`,
      message: "is no IPv4 range",
      given: site.cidr,
      allowed: ["for example 192.168.1.0/24"],
    });
  }
  if (site.concurrency !== undefined) problems.push(...positive(`${path}.concurrency`, site.concurrency));
  for (const [index, jump] of jumpsOf(site).entries()) {
    const at = Array.isArray(site.jump) ? `${path}.jump[${index}]` : `${path}.jump`;
    problems.push(...unknownKeys(at, jump, configKeys.jump));
    if (!jump.host) problems.push({ path: `${at}.host`, message: "the address of the jump host is needed" });
    if (!jump.user) problems.push({ path: `${at}.user`, message: "the user of the jump host is needed" });
    if (!/^(ssh-|ecdsa-)\S+ [A-Za-z0-9+/=]+/.test(jump.hostKey ?? "")) {
      problems.push({
        path: `${at}.hostKey`,
        message: "the jump host's public key is needed, so that it can be verified",
        ...(jump.hostKey ? { given: jump.hostKey } : {}),
        hint: `see it with: ssh-keyscan -t ed25519 ${jump.host || "HOST"}, and compare it with the host's own /etc/ssh/ssh_host_ed25519_key.pub`,
      });
    }
  }
  return problems;
}

function gatewayProblems(path: string, { gateway, provider }: SiteConfig): Problem[] {
  const problems = pluginProblems(path, "gateway", gateway);
  if (problems.length > 0 || !gateway?.machine) return problems;
  if (provider?.persistent) {
    return [
      {
        path: `${path}.machine`,
        message: `the provider ${provider.name} makes no machines`,
        hint: "give the gateway a machine that is there, by its address",
      },
    ];
  }
  const at = `${path}.machine`;
  if (typeof gateway.machine !== "object")
    return [{ path: at, message: "is no machine", given: String(gateway.machine), hint: "{ size, image }" }];
  return [
    ...unknownKeys(at, gateway.machine, configKeys.gatewayMachine),
    ...machineProblems(at, gateway.machine),
  ];
}

/** The jump hosts of a site, outermost first. */
export function jumpsOf(site: SiteConfig) {
  return site.jump === undefined ? [] : Array.isArray(site.jump) ? site.jump : [site.jump];
}

function poolProblems(path: string, pool: PoolConfig): Problem[] {
  const problems: Problem[] = [...unknownKeys(path, pool, configKeys.pool)];
  if (!Number.isInteger(pool.count) || pool.count < 0 || pool.count > 999) {
    problems.push({
      path: `${path}.count`,
      message: "must be a whole number",
      given: String(pool.count),
      allowed: ["0 to 999"],
    });
  }
  return [...problems, ...machineProblems(path, pool)];
}

function machineProblems(path: string, pool: GatewayMachineSpec): Problem[] {
  const problems: Problem[] = [];
  for (const key of ["size", "image"] as const) {
    if (typeof pool[key] !== "string" || pool[key] === "")
      problems.push({ path: `${path}.${key}`, message: `the ${key} is needed` });
  }
  if (pool.disk) {
    problems.push(
      ...unknownKeys(`${path}.disk`, pool.disk, configKeys.disk),
      ...positive(`${path}.disk.sizeGiB`, pool.disk.sizeGiB),
    );
  }
  return problems;
}

function positive(path: string, value: unknown): Problem[] {
  if (typeof value === "number" && Number.isFinite(value) && value > 0) return [];
  return [{ path, message: "must be a number above 0", given: String(value) }];
}

import { isIP } from "node:net";
import type { DnsEntrypoint, EntrypointPolicy, Problem } from "@multicloud/core/plugin";
import { nearest } from "@multicloud/core/plugin";
import { type AgentTiming, defaultTiming, type ProbeSettings } from "../agent/settings.js";

/** Options of {@link entrypointAgent}. */
export interface EntrypointAgentOptions {
  /** The record to keep, for example `cloudflare({ zone, record })`: the same that `multicloud()` is given. */
  readonly entrypoint: DnsEntrypoint;
  /** `active`: one address (of each family) that stays as long as it works; `all-healthy`: every address that works. Default `active`. */
  readonly policy?: EntrypointPolicy;
  /**
   * With `active`: go back to an address of a preferred site once it has worked for so many milliseconds, though the
   * stand-by works; 600,000 would be ten minutes. Each move costs some visitors the record's TTL, and a leader that
   * has just taken over counts from zero. Default: never.
   */
  readonly failbackMs?: number;
  /** Sites, most preferred first. Default: the order of the configuration. */
  readonly prefer?: readonly string[];
  /** How an address is asked. Default: a TLS greeting on port 443 for the record's name, or for a name below its wildcard. */
  readonly probe?: ProbeSettings;
  /** Public addresses of sites that cannot find theirs out, by site. Default: from the node's annotation `multicloud.entrypoint/public-address`, its ExternalIP, or {@link addressSources}. */
  readonly addresses?: Readonly<Record<string, readonly string[]>>;
  /** URLs that answer with the caller's address, at least two of which must agree. Default: four public ones of three operators. */
  readonly addressSources?: readonly string[];
  /** Times, in milliseconds. The defaults make the record right within 10 s. */
  readonly timing?: Partial<AgentTiming>;
  /** Default `entrypoint-agent`. Another for a second record. */
  readonly name?: string;
  /** Default `multicloud-entrypoint`. */
  readonly namespace?: string;
  /** An image with Node 20 or newer as `node`. Default `docker.io/library/node:22-alpine`. */
  readonly image?: string;
  /** Labels of the entry nodes. Default: every node that is no master, or is a worker too. */
  readonly nodeSelector?: Readonly<Record<string, string>>;
  /** Source of the agent instead of this package's own build. */
  readonly program?: string;
  /** How long to wait for the pods, in milliseconds. Default 5 minutes. */
  readonly timeoutMs?: number;
}

export const defaultAddressSources = [
  "https://1.1.1.1/cdn-cgi/trace",
  "https://checkip.amazonaws.com",
  "https://api64.ipify.org",
  "https://icanhazip.com",
];

const keys = [
  "entrypoint",
  "policy",
  "failbackMs",
  "prefer",
  "probe",
  "addresses",
  "addressSources",
  "timing",
  "name",
  "namespace",
  "image",
  "nodeSelector",
  "program",
  "timeoutMs",
] as const satisfies readonly (keyof EntrypointAgentOptions)[];

/** What is wrong with the options, all at once. */
export function optionProblems(options: EntrypointAgentOptions, sites: readonly string[]): Problem[] {
  return [
    ...unknown(Object.keys(options), keys, ""),
    ...unknown(Object.keys(options.timing ?? {}), Object.keys(defaultTiming), "timing."),
    ...timingProblems(options.timing),
    ...entrypointProblems(options.entrypoint),
    ...oneOf("policy", options.policy, ["active", "all-healthy"]),
    ...failbackProblems(options),
    ...probeProblems(options.probe),
    ...unknownSites("prefer", options.prefer ?? [], sites),
    ...unknownSites("addresses", Object.keys(options.addresses ?? {}), sites),
    ...addressProblems(options.addresses ?? {}),
    ...sourceProblems(options.addressSources),
    ...label("name", options.name),
    ...label("namespace", options.namespace),
  ];
}

function unknown(given: readonly string[], allowed: readonly string[], at: string): Problem[] {
  return given
    .filter((key) => !allowed.includes(key))
    .map((key) => ({ path: `${at}${key}`, message: "is not an option", allowed, ...suggest(key, allowed) }));
}

function suggest(given: string, allowed: readonly string[]): { suggestion?: string } {
  const suggestion = nearest(given, allowed);
  return suggestion === undefined ? {} : { suggestion };
}

function entrypointProblems(entrypoint: DnsEntrypoint | undefined): Problem[] {
  if (!entrypoint) {
    const hint = 'for example cloudflare({ zone: "example.com", record: "*.apps" })';
    return [{ path: "entrypoint", message: "there is no record to keep", hint }];
  }
  if (entrypoint.inCluster) return [];
  const message = "this DNS plugin has no half that runs inside the cluster";
  const hint = "keep the record from outside with entrypoint.watch(), or use another DNS plugin";
  return [{ path: "entrypoint", message, given: entrypoint.name, hint }];
}

function oneOf(path: string, given: string | undefined, allowed: readonly string[]): Problem[] {
  if (given === undefined || allowed.includes(given)) return [];
  return [{ path, message: "is none of the allowed values", given, allowed, ...suggest(given, allowed) }];
}

function failbackProblems({ failbackMs, policy }: EntrypointAgentOptions): Problem[] {
  if (failbackMs === undefined) return [];
  const given = String(failbackMs);
  if (!(typeof failbackMs === "number" && failbackMs > 0 && Number.isFinite(failbackMs)))
    return [{ path: "failbackMs", message: "is not a number of milliseconds above 0", given }];
  if (policy !== "all-healthy") return [];
  const message = "means nothing with all-healthy: that holds every address that works";
  return [{ path: "failbackMs", message, given, hint: "leave it out, or use the policy active" }];
}

function probeProblems(probe: ProbeSettings | undefined): Problem[] {
  if (!probe) return [];
  const { port = 443 } = probe;
  const problems = oneOf("probe.kind", probe.kind, ["tls", "tcp", "https"]);
  if (!(Number.isInteger(port) && port > 0 && port < 65_536))
    problems.push({ path: "probe.port", message: "is no port", given: String(port) });
  if ((probe.kind === "https" || probe.kind === "tls") && !probe.host)
    problems.push({
      path: "probe.host",
      message: `${probe.kind.toUpperCase()} needs a name to ask for (SNI)`,
    });
  return problems;
}

function timingProblems(given: Partial<AgentTiming> | undefined): Problem[] {
  if (!given) return [];
  const problems = Object.entries(given)
    .filter(([, value]) => !(typeof value === "number" && value > 0 && Number.isFinite(value)))
    .map(([key, value]): Problem => {
      return {
        path: `timing.${key}`,
        message: "is not a number of milliseconds above 0",
        given: String(value),
      };
    });
  const timing = { ...defaultTiming, ...given };
  if (timing.renewDeadlineMs >= timing.leaseMs)
    problems.push({
      path: "timing.renewDeadlineMs",
      message: "two agents could write at once: it has to be shorter than leaseMs",
      given: `${timing.renewDeadlineMs} of ${timing.leaseMs}`,
    });
  if (timing.renewMs >= timing.renewDeadlineMs)
    problems.push({
      path: "timing.renewMs",
      message: "the leader would lose its lease all the time: it has to be shorter than renewDeadlineMs",
      given: `${timing.renewMs} of ${timing.renewDeadlineMs}`,
    });
  return problems;
}

function unknownSites(path: string, given: readonly string[], sites: readonly string[]): Problem[] {
  return given
    .filter((site) => !sites.includes(site))
    .map((site) => ({
      path,
      message: "there is no such site",
      given: site,
      allowed: sites,
      ...suggest(site, sites),
    }));
}

function addressProblems(addresses: Readonly<Record<string, readonly string[]>>): Problem[] {
  return Object.entries(addresses).flatMap(([site, list]) =>
    list
      .filter((address) => isIP(address) === 0)
      .map((address) => ({ path: `addresses.${site}`, message: "is no IP address", given: address })),
  );
}

function sourceProblems(sources: readonly string[] | undefined): Problem[] {
  if (!sources) return [];
  const problems = sources
    .filter((url) => !/^https?:\/\//.test(url))
    .map((url): Problem => ({ path: "addressSources", message: "is no URL", given: url }));
  if (sources.length < 2)
    problems.push({
      path: "addressSources",
      message: "one source alone is not believed: give at least two",
      given: String(sources.length),
    });
  return problems;
}

function label(path: string, given: string | undefined): Problem[] {
  if (given === undefined || /^[a-z0-9]([-a-z0-9]{0,40}[a-z0-9])?$/.test(given)) return [];
  return [{ path, message: "is not a name of a Kubernetes object of up to 42 characters", given }];
}

import { readdir } from "node:fs/promises";
import { isAbsolute } from "node:path";
import { type CheckResult, nearest, type PlannedNode, type Problem } from "@multicloud/core/plugin";
import { overlap, parseCidr } from "../cidr.js";
import { decidedKeys, type KeyKind } from "./config-keys.js";
import type { Distribution } from "./distribution.js";
import { type DistributionOptions, withDistributionDefaults } from "./options.js";
import { parseVersion } from "./versions.js";

type OptionKind = "text" | "number" | "flag" | "mapping";

const knownOptions: Readonly<Record<keyof DistributionOptions, OptionKind>> = {
  version: "text",
  podCidr: "text",
  serviceCidr: "text",
  agent: "mapping",
  server: "mapping",
  nodes: "mapping",
  manifests: "mapping",
  registries: "mapping",
  cis: "flag",
  files: "text",
  mirror: "mapping",
  sha256: "mapping",
  etcd: "mapping",
  upgrade: "mapping",
  concurrency: "number",
  attempts: "number",
  retryDelayMs: "number",
  startTimeoutMs: "number",
  readyTimeoutMs: "number",
};

const knownParts: Readonly<Record<string, Readonly<Record<string, OptionKind>>>> = {
  mirror: { releases: "text", scripts: "text" },
  etcd: { maxRoundTripMs: "number", force: "flag" },
  upgrade: { drain: "flag", drainTimeoutMs: "number", force: "flag" },
};

/** Everything that can be judged before the first effect. Reads only. */
export async function checkDistribution(
  distribution: Distribution,
  options: DistributionOptions,
  nodes: readonly PlannedNode[],
): Promise<CheckResult> {
  const problems = findDistributionProblems(distribution, options, nodes);
  if (typeof options.files === "string")
    problems.push(...(await findFileProblems(distribution, options.files)));
  const masters = nodes.filter(({ role }) => role === "master").length;
  const warnings: Problem[] = [];
  if (masters > 0 && masters % 2 === 0) {
    warnings.push({
      path: "",
      message: `${masters} masters bear the loss of no more than ${masters - 1} do: etcd needs a majority`,
      given: String(masters),
      hint: "use an odd number",
    });
  }
  return { problems, warnings };
}

/** What is wrong with the options themselves and with the nodes they are for. */
export function findDistributionProblems(
  distribution: Distribution,
  options: DistributionOptions,
  nodes: readonly PlannedNode[],
): Problem[] {
  const problems = findOptionProblems(distribution, options);
  // The checks below read the values, which must be of the right type first.
  if (problems.length > 0) return problems;
  const settings = withDistributionDefaults(distribution, options);
  const { name, keys, defaultVersion, title } = distribution;
  if (!parseVersion(distribution, settings.version)) {
    const form = name === "k3s" ? "vX.Y.Z+k3sN" : "vX.Y.Z+rke2rN";
    problems.push({
      path: "version",
      message: `is no release of ${title}, which has the form ${form}`,
      given: settings.version,
      suggestion: defaultVersion,
    });
  }
  problems.push(...findRangeProblems(settings));
  for (const path of ["concurrency", "attempts"] as const) {
    if (!Number.isInteger(settings[path]) || settings[path] < 1)
      problems.push({ path, message: "must be a whole number from 1", given: String(settings[path]) });
  }
  for (const [path, value] of [
    ["retryDelayMs", settings.retryDelayMs],
    ["startTimeoutMs", settings.startTimeoutMs],
    ["readyTimeoutMs", settings.readyTimeoutMs],
    ["etcd.maxRoundTripMs", settings.etcd.maxRoundTripMs],
    ["upgrade.drainTimeoutMs", settings.upgrade.drainTimeoutMs],
  ] as const) {
    if (!(value >= 0)) problems.push({ path, message: "must not be negative", given: String(value) });
  }
  if (!nodes.some(({ role }) => role === "master"))
    problems.push({
      path: "",
      message: `${title} needs at least one master: it runs the control plane and etcd`,
    });
  problems.push(...findKeyProblems(distribution, "agent", settings.agent, keys.agent));
  const serverKeys = { ...keys.agent, ...keys.server };
  problems.push(...findKeyProblems(distribution, "server", settings.server, serverKeys));
  problems.push(...findNodeProblems(distribution, settings.nodes, nodes));
  problems.push(...findManifestProblems(settings.manifests));
  problems.push(...findHashProblems(settings.sha256));
  for (const part of ["releases", "scripts"] as const) {
    const url = options.mirror?.[part];
    if (url !== undefined && !/^https?:\/\/[^\s'"]+[^\s'"/]$/.test(url))
      problems.push({ path: `mirror.${part}`, message: "is no URL without a slash at its end", given: url });
  }
  return problems;
}

function findOptionProblems(distribution: Distribution, options: DistributionOptions): Problem[] {
  const problems = findPartProblems(options, knownOptions, "", `option of ${distribution.name}()`);
  if (problems.length > 0) {
    const keys = { ...distribution.keys.agent, ...distribution.keys.server };
    return problems.map((problem) => {
      if (!Object.hasOwn(keys, problem.path) || !problem.allowed) return problem;
      const place = Object.hasOwn(distribution.keys.agent, problem.path) ? "agent" : "server";
      return { ...problem, hint: `a key of config.yaml goes into ${place}: { "${problem.path}": … }` };
    });
  }
  return Object.entries(knownParts).flatMap(([part, known]) => {
    const value = options[part as keyof DistributionOptions];
    return value === undefined ? [] : findPartProblems(value as object, known, `${part}.`, `key of ${part}`);
  });
}

function findPartProblems(
  given: object,
  known: Readonly<Record<string, OptionKind>>,
  prefix: string,
  what: string,
): Problem[] {
  const names = Object.keys(known);
  return Object.entries(given).flatMap(([key, value]): Problem[] => {
    const path = `${prefix}${key}`;
    const wanted = Object.hasOwn(known, key) ? known[key] : undefined;
    if (wanted === undefined) {
      const suggestion = nearest(key, names);
      return [
        {
          path,
          message: `is no ${what}`,
          allowed: names,
          ...(suggestion === undefined ? {} : { suggestion }),
        },
      ];
    }
    const types = { text: "string", number: "number", flag: "boolean", mapping: "object" } as const;
    const isRight =
      value === undefined || (typeof value === types[wanted] && value !== null && !Array.isArray(value));
    return isRight ? [] : [{ path, message: `must be a ${wanted === "flag" ? "boolean" : wanted}` }];
  });
}

function findKeyProblems(
  distribution: Distribution,
  path: string,
  given: Readonly<Record<string, unknown>>,
  known: Readonly<Record<string, KeyKind>>,
): Problem[] {
  const open = Object.keys(known).filter((key) => !Object.hasOwn(decidedKeys, key));
  return Object.entries(given).flatMap(([key, value]): Problem[] => {
    const at = `${path}.${key}`;
    if (Object.hasOwn(decidedKeys, key))
      return [{ path: at, message: "is not set here", hint: decidedKeys[key as keyof typeof decidedKeys] }];
    const kind = Object.hasOwn(known, key) ? known[key] : undefined;
    if (kind === undefined) {
      const isServerKey = Object.hasOwn(distribution.keys.server, key);
      const suggestion = nearest(key, open);
      return [
        {
          path: at,
          message: isServerKey
            ? `is a key of masters, which workers do not know`
            : `is no key of ${distribution.title}'s config.yaml; it would be skipped with no more than a line in the log`,
          allowed: open,
          ...(isServerKey || suggestion === undefined ? {} : { suggestion }),
          ...(isServerKey ? { hint: `put it into server: { "${key}": … }` } : {}),
        },
      ];
    }
    if (value === undefined || isOfKind(kind, value)) return [];
    const kinds = { text: "a string", list: "a list of strings", flag: "a boolean", number: "a number" };
    return [{ path: at, message: `must be ${kinds[kind]}` }];
  });
}

function isOfKind(kind: KeyKind, value: unknown): boolean {
  switch (kind) {
    case "flag":
      return typeof value === "boolean";
    case "number":
      return Number.isSafeInteger(value);
    case "text":
      return typeof value === "string";
    case "list":
      return (
        typeof value === "string" || (Array.isArray(value) && value.every((item) => typeof item === "string"))
      );
  }
}

function findNodeProblems(
  distribution: Distribution,
  given: Readonly<Record<string, unknown>>,
  nodes: readonly PlannedNode[],
): Problem[] {
  const names = nodes.map(({ name }) => name);
  return Object.entries(given).flatMap(([name, config]): Problem[] => {
    const path = `nodes.${name}`;
    const node = nodes.find((one) => one.name === name);
    if (!node) {
      const suggestion = nearest(name, names);
      return [
        {
          path,
          message: "is the name of no node",
          allowed: names,
          ...(suggestion === undefined ? {} : { suggestion }),
        },
      ];
    }
    if (typeof config !== "object" || config === null) return [{ path, message: "must be a mapping" }];
    const { agent, server } = distribution.keys;
    const known = node.role === "master" ? { ...agent, ...server } : agent;
    return findKeyProblems(distribution, path, config as Readonly<Record<string, unknown>>, known);
  });
}

// docs.rke2.io and docs.k3s.io, "Auto-Deploying Manifests": names are those of an RFC 1123 subdomain.
function findManifestProblems(manifests: Readonly<Record<string, unknown>>): Problem[] {
  return Object.entries(manifests).flatMap(([name, text]): Problem[] => {
    const path = `manifests.${name}`;
    if (typeof text !== "string") return [{ path, message: "must be the text of the manifest" }];
    if (/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?\.(ya?ml|json)$/.test(name)) return [];
    return [{ path, message: "must be a file name of a-z, 0-9, - and . that ends in .yaml", given: name }];
  });
}

function findHashProblems(hashes: Readonly<Record<string, unknown>>): Problem[] {
  return Object.entries(hashes).flatMap(([file, hash]): Problem[] =>
    typeof hash === "string" && /^[0-9a-f]{64}$/.test(hash)
      ? []
      : [{ path: `sha256.${file}`, message: "is no SHA-256 in 64 lower-case hexadecimal digits" }],
  );
}

function findRangeProblems({
  podCidr,
  serviceCidr,
}: {
  readonly podCidr: string;
  readonly serviceCidr: string;
}): Problem[] {
  const pods = parseCidr(podCidr);
  const services = parseCidr(serviceCidr);
  const problems = (
    [
      ["podCidr", podCidr, pods],
      ["serviceCidr", serviceCidr, services],
    ] as const
  ).flatMap(([path, given, range]): Problem[] =>
    range ? [] : [{ path, message: "is no IPv4 range such as 10.42.0.0/16", given }],
  );
  if (pods && services && overlap(pods, services))
    problems.push({ path: "serviceCidr", message: `overlaps podCidr ${podCidr}`, given: serviceCidr });
  return problems;
}

async function findFileProblems(distribution: Distribution, directory: string): Promise<Problem[]> {
  const path = "files";
  if (!isAbsolute(directory)) return [{ path, message: "must be an absolute path", given: directory }];
  const present = await readdir(directory).catch(() => undefined);
  if (!present) return [{ path, message: "is no directory on this machine", given: directory }];
  const wanted = ["install.sh", "sha256sum-amd64.txt", distribution.files("amd64").main];
  const isArm = present.includes("sha256sum-arm64.txt");
  const missing = wanted.filter((file) => !present.includes(file));
  if (
    missing.length === 0 ||
    (isArm && present.includes(distribution.files("arm64").main) && present.includes("install.sh"))
  )
    return [];
  return [
    {
      path,
      message: `lacks ${missing.join(", ")}`,
      given: directory,
      hint: `they are at ${distribution.releases}, install.sh at ${distribution.scripts}`,
    },
  ];
}

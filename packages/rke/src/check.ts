import { stat } from "node:fs/promises";
import { isAbsolute } from "node:path";
import {
  type CheckResult,
  type EngineContext,
  MulticloudError,
  nearest,
  type PlannedNode,
  type Problem,
} from "@multicloud/core/plugin";
import { findBastionProblems } from "./bastion.js";
import { overlap, parseCidr } from "./cidr.js";
import { clusterYml } from "./cluster-yml/schema.js";
import { findProblems } from "./cluster-yml/validate.js";
import { findValueProblems } from "./cluster-yml/values.js";
import { isUrl } from "./digest.js";
import { defaultVersion, type RkeOptions, type Settings, withDefaults } from "./options.js";
import { toolVersion } from "./run/tool.js";

const knownOptions: Readonly<Record<keyof RkeOptions, "string" | "number" | "boolean" | "list" | "mapping">> =
  {
    version: "string",
    binary: "string",
    podCidr: "string",
    serviceCidr: "string",
    upstreamNameservers: "list",
    dockerDns: "list",
    disableIpv6: "boolean",
    addonsInclude: "list",
    bastion: "mapping",
    config: "mapping",
    attempts: "number",
    retryDelayMs: "number",
    readyTimeoutMs: "number",
  };

// Keys of cluster.yml that are decided elsewhere, and where.
const decidedElsewhere: readonly (readonly [path: string, instead: string])[] = [
  ["kubernetes_version", "set it with the option `version`"],
  ["ignore_docker_version", "RKE overwrites it with its flag, which is always given; leave it out"],
  ["restore", "RKE alone ignores it; use operate(engine.snapshotRestore({ name }))"],
  ["rotate_certificates", "every later run would rotate again; use operate(engine.rotateCertificates())"],
  ["rotate_encryption_key", "it is no setting: run `rke encrypt rotate-key` by hand"],
  ["bastion_host", "set it with the option `bastion`"],
  ["services.kube-api.service_cluster_ip_range", "set it with the option `serviceCidr`"],
  ["services.kube-controller.service_cluster_ip_range", "set it with the option `serviceCidr`"],
  ["services.kube-controller.cluster_cidr", "set it with the option `podCidr`"],
];
const nodeKeysFromSites = ["address", "port", "internal_address", "user", "role", "nodeName"];

/** Everything that can be judged before the first effect. Reads only; starts `rke --version`. */
export async function checkRke(
  options: RkeOptions,
  context: EngineContext,
  nodes: readonly PlannedNode[],
): Promise<CheckResult> {
  const problems = findOptionProblems(options, nodes);
  const settings = withDefaults(options);
  if (typeof settings.binary === "string")
    problems.push(...(await findToolProblems(settings, context.signal)));
  if (Array.isArray(settings.addonsInclude)) problems.push(...(await findIncludeProblems(settings)));
  const warning: Problem = {
    path: "",
    message: "RKE (v1) reached its end of life on 31 July 2025 and gets no more security fixes",
    hint: "start new clusters on its successors, RKE2 or k3s",
  };
  return { problems, warnings: [warning] };
}

/** What is wrong with the options themselves and with the nodes they are for. */
export function findOptionProblems(options: RkeOptions, nodes: readonly PlannedNode[]): Problem[] {
  const problems = findUnknownOptions(options);
  // The checks below read the values, which must be of the right type first.
  if (problems.length > 0) return problems;
  const settings = withDefaults(options);
  const { version, config, attempts, retryDelayMs, bastion } = settings;
  if (!/^v\d+\.\d+\.\d+-rancher\d+-\d+$/.test(version)) {
    problems.push({
      path: "version",
      message: "is no version of RKE's Kubernetes, which has the form vX.Y.Z-rancherN-M",
      given: version,
      suggestion: defaultVersion,
      hint: "`rke config --list-version --all` lists what your rke knows",
    });
  }
  problems.push(...findRangeProblems(settings));
  if (!Number.isInteger(attempts) || attempts < 1) {
    problems.push({ path: "attempts", message: "must be a whole number from 1", given: String(attempts) });
  }
  if (!(retryDelayMs >= 0)) {
    problems.push({ path: "retryDelayMs", message: "must not be negative", given: String(retryDelayMs) });
  }
  if (!nodes.some((node) => node.role === "master")) {
    problems.push({ path: "", message: "RKE needs at least one master: it runs the control plane and etcd" });
  }
  if (!bastion) problems.push(...findBastionProblems(nodes));
  if (config) problems.push(...findConfigProblems(config, nodes));
  return problems;
}

function findUnknownOptions(options: RkeOptions): Problem[] {
  const names = Object.keys(knownOptions);
  return Object.entries(options).flatMap(([key, value]): Problem[] => {
    const wanted = Object.hasOwn(knownOptions, key) ? knownOptions[key as keyof RkeOptions] : undefined;
    if (wanted === undefined) {
      const suggestion = nearest(key, names);
      const inConfig = Object.hasOwn(clusterYml.keys, key);
      return [
        {
          path: key,
          message: "is no option of rke()",
          allowed: names,
          ...(suggestion === undefined ? {} : { suggestion }),
          ...(inConfig ? { hint: `a key of cluster.yml goes into config: { ${key}: … }` } : {}),
        },
      ];
    }
    const actual = Array.isArray(value) ? "list" : typeof value === "object" ? "mapping" : typeof value;
    const isRight = value === undefined || (value !== null && actual === wanted);
    return isRight ? [] : [{ path: key, message: `must be a ${wanted}` }];
  });
}

function findRangeProblems({ podCidr, serviceCidr }: Settings): Problem[] {
  const pods = parseCidr(podCidr);
  const services = parseCidr(serviceCidr);
  const problems = [
    ["podCidr", podCidr, pods] as const,
    ["serviceCidr", serviceCidr, services] as const,
  ].flatMap(([path, given, range]): Problem[] =>
    range ? [] : [{ path, message: "is no IPv4 range such as 10.42.0.0/16", given }],
  );
  if (pods && services && overlap(pods, services)) {
    problems.push({ path: "serviceCidr", message: `overlaps podCidr ${podCidr}`, given: serviceCidr });
  }
  return problems;
}

function findConfigProblems(
  config: NonNullable<RkeOptions["config"]>,
  nodes: readonly PlannedNode[],
): Problem[] {
  const problems = findProblems(clusterYml, config, "config");
  // Values are looked at once they are of the right type.
  if (problems.length === 0)
    problems.push(
      ...findValueProblems(config).map((problem) => ({ ...problem, path: `config.${problem.path}` })),
    );
  for (const [path, instead] of decidedElsewhere) {
    if (valueAt(config, path) === undefined) continue;
    problems.push({ path: `config.${path}`, message: "is not set here", hint: instead });
  }
  const network = config.network;
  if (network?.mtu !== undefined && (network.plugin ?? "flannel") === "flannel") {
    problems.push({
      path: "config.network.mtu",
      message: "is refused by RKE for flannel, which takes the interface's",
    });
  }
  if (!Array.isArray(config.nodes)) return problems;
  config.nodes.forEach((entry: Readonly<Record<string, unknown>>, index) => {
    problems.push(...findNodeProblems(entry, `config.nodes[${index}]`, nodes));
  });
  return problems;
}

function findNodeProblems(
  entry: Readonly<Record<string, unknown>>,
  path: string,
  nodes: readonly PlannedNode[],
): Problem[] {
  const problems: Problem[] = nodeKeysFromSites
    .filter((key) => entry?.[key] !== undefined)
    .map((key) => ({
      path: `${path}.${key}`,
      message: "is not set here",
      hint: "it follows from the sites",
    }));
  const names = nodes.map((node) => node.name);
  const name = entry?.hostname_override;
  if (typeof name === "string" && names.includes(name)) return problems;
  const suggestion = typeof name === "string" ? nearest(name, names) : undefined;
  return [
    ...problems,
    {
      path: `${path}.hostname_override`,
      message: "must be the name of one of the nodes, which the other keys are for",
      ...(typeof name === "string" ? { given: name } : {}),
      allowed: names,
      ...(suggestion === undefined ? {} : { suggestion }),
    },
  ];
}

async function findToolProblems(settings: Settings, signal: AbortSignal): Promise<Problem[]> {
  try {
    await toolVersion(settings.binary, signal);
    return [];
  } catch (error) {
    signal.throwIfAborted();
    if (!MulticloudError.isInstance(error) || error.code !== "ENGINE_TOOL_MISSING") throw error;
    const { message, hint } = error;
    const { code } = error;
    return [
      { path: "binary", message, code, given: settings.binary, ...(hint === undefined ? {} : { hint }) },
    ];
  }
}

async function findIncludeProblems({ addonsInclude }: Settings): Promise<Problem[]> {
  const found = await Promise.all(
    addonsInclude.map(async (include, index): Promise<Problem[]> => {
      const path = `addonsInclude[${index}]`;
      if (typeof include !== "string") return [{ path, message: "must be a string" }];
      if (isUrl(include)) return [];
      if (!isAbsolute(include)) {
        return [{ path, message: "must be a URL or an absolute path", given: include }];
      }
      const isFile = await stat(include).then(
        (entry) => entry.isFile(),
        () => false,
      );
      return isFile ? [] : [{ path, message: "is no file on this machine", given: include }];
    }),
  );
  return found.flat();
}

function valueAt(value: unknown, path: string): unknown {
  return path
    .split(".")
    .reduce<unknown>(
      (inner, key) =>
        typeof inner === "object" && inner !== null ? (inner as Record<string, unknown>)[key] : undefined,
      value,
    );
}

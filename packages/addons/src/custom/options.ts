import type {
  Addon,
  AddonContext,
  CheckResult,
  KubernetesObject,
  ObjectReference,
  Problem,
} from "@multicloud/core/plugin";
import type { ManifestSource } from "../manifest/source.js";
import { labelProblems, manifestProblems, unknownKeys } from "../options/problems.js";

/** A Helm chart, installed by the Helm controller that RKE2 and k3s run (docs.rke2.io/add-ons/helm). */
export interface HelmChartOptions {
  /** Name in `repo`, or the address of a chart: `oci://…`, or `https://….tgz`. */
  readonly chart: string;
  /** Address of the chart's repository. */
  readonly repo?: string;
  /** Without it every change installs whatever is newest. */
  readonly version?: string;
  /** Namespace to install into; made when it is not there. */
  readonly namespace: string;
  /** The chart's values. They can be read by everybody who may read HelmChart objects: keep secrets in Secrets. */
  readonly values?: Readonly<Record<string, unknown>>;
  /** What the controller does when an upgrade fails: `abort` (the default here) leaves it for you to look at, `reinstall` (the controller's own default) uninstalls the chart first, data included. */
  readonly failurePolicy?: "abort" | "reinstall";
}

/** Options of {@link addon}. What is given is done in this order: objects, manifests, chart, apply. */
export interface AddonOptions {
  /** Unique among the cluster's addons: RFC 1123 label. */
  readonly name: string;
  /** Names of addons that must be ready first, when the cluster has them. */
  readonly after?: readonly string[];
  readonly objects?: readonly KubernetesObject[];
  /** YAML, files or addresses, see the README. */
  readonly manifests?: readonly ManifestSource[];
  /** Needs RKE2 or k3s. */
  readonly chart?: HelmChartOptions;
  /** Anything else; it must change nothing when all is as wanted. */
  readonly apply?: (context: AddonContext) => Promise<void>;
  /** What must work before the addon is ready. Default: the Deployments, DaemonSets, StatefulSets and Jobs among the objects and in the manifests, and the chart's own installation. */
  readonly waitFor?: readonly ObjectReference[];
  /** Take fields over that another manager set to something else. Default false: that is an error. */
  readonly force?: boolean;
  /** What nodes need for it. */
  readonly prepare?: NonNullable<Addon["prepare"]>;
  /** Default: the global `fetch`. */
  readonly fetch?: typeof fetch;
  /** How long to wait for each part, in milliseconds. Default 10 minutes. */
  readonly timeoutMs?: number;
}

const keys = [
  "name",
  "after",
  "objects",
  "manifests",
  "chart",
  "apply",
  "waitFor",
  "force",
  "prepare",
  "fetch",
  "timeoutMs",
] as const satisfies readonly (keyof AddonOptions)[];
const chartKeys = [
  "chart",
  "repo",
  "version",
  "namespace",
  "values",
  "failurePolicy",
] as const satisfies readonly (keyof HelmChartOptions)[];

/** What is wrong with the options, or doubtful. */
export function checkAddon(options: AddonOptions): CheckResult {
  const { objects = [], manifests = [], chart, apply } = options;
  const problems: Problem[] = [
    ...unknownKeys(options, keys),
    ...labelProblems("name", options.name ?? ""),
    ...manifests.flatMap((source, index) =>
      manifestProblems(source).map((problem) => ({
        ...problem,
        path: problem.path.replace(/^manifest/, `manifests[${index}]`),
      })),
    ),
    ...objects.flatMap((object, index) => objectProblems(`objects[${index}]`, object)),
    ...(chart ? chartProblems(chart) : []),
  ];
  if (objects.length === 0 && manifests.length === 0 && !chart && !apply)
    problems.push({
      path: "",
      message: "does nothing",
      allowed: ["objects", "manifests", "chart", "apply"],
    });
  const isFloating = chart && chart.version === undefined && !chart.chart.endsWith(".tgz");
  return {
    problems,
    warnings: isFloating
      ? [{ path: "chart.version", message: "is not given, so every change installs whatever is newest" }]
      : [],
  };
}

function objectProblems(path: string, object: KubernetesObject): Problem[] {
  const { apiVersion, kind, metadata } = object ?? {};
  if (typeof apiVersion === "string" && typeof kind === "string" && typeof metadata?.name === "string")
    return [];
  return [{ path, message: "has no apiVersion, kind or metadata.name" }];
}

function chartProblems(chart: HelmChartOptions): Problem[] {
  const problems: Problem[] = [
    ...unknownKeys(chart, chartKeys, "chart"),
    ...labelProblems("chart.namespace", chart.namespace ?? ""),
  ];
  const isAddress = typeof chart.chart === "string" && /^(oci|https):\/\//.test(chart.chart);
  if (typeof chart.chart !== "string" || chart.chart === "")
    problems.push({ path: "chart.chart", message: "is not the name or the address of a chart" });
  else if (!isAddress && chart.repo === undefined)
    problems.push({
      path: "chart.repo",
      message: `is missing: ${chart.chart} is a name, and names are looked up in a repository`,
      hint: "for example https://charts.example.org",
    });
  if (chart.repo !== undefined && !(/^https?:\/\//.test(chart.repo) && URL.canParse(chart.repo)))
    problems.push({ path: "chart.repo", message: "is not an http or https URL", given: chart.repo });
  if (chart.failurePolicy !== undefined && !["abort", "reinstall"].includes(chart.failurePolicy))
    problems.push({
      path: "chart.failurePolicy",
      message: "is none of the allowed values",
      given: chart.failurePolicy,
      allowed: ["abort", "reinstall"],
    });
  return problems;
}

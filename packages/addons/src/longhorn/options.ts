import type { CheckResult, PlannedNode, Problem } from "@multicloud/core/plugin";
import type { ManifestOptions } from "../manifest/source.js";
import {
  choiceProblems,
  countProblems,
  hostProblems,
  labelProblems,
  manifestProblems,
  unknownKeys,
} from "../options/problems.js";

/** Longhorn's web interface, which has no login of its own. */
export interface LonghornUiOptions {
  /** Name that it is served at. */
  readonly host: string;
  /** Who may log in, by HTTP basic authentication. Only a hash of the password goes to the cluster. */
  readonly user: string;
  readonly password: string;
  /** Ingress controller: `nginx` (RKE1's own; the default) or `traefik`. */
  readonly ingressClass?: "nginx" | "traefik";
  /** cert-manager ClusterIssuer for its certificate; `false` is plain HTTP. Default `letsencrypt`. */
  readonly issuer?: string | false;
}

/** Options of {@link longhorn}. */
export interface LonghornOptions extends ManifestOptions {
  /** Copies of each volume. Default: one per worker, at most 3. */
  readonly replicas?: number;
  /** Whether a copy is kept where the volume is used. Default: `best-effort` when the workers are in several sites, so that reads do not cross the internet, else `disabled`. */
  readonly dataLocality?: "disabled" | "best-effort" | "strict-local";
  /** Make `longhorn` the default StorageClass. Default true. */
  readonly defaultClass?: boolean;
  /** Default: no Ingress. */
  readonly ui?: LonghornUiOptions;
  /** How long to wait for each part, in milliseconds. Default 10 minutes. */
  readonly timeoutMs?: number;
  /** Time between two looks at the StorageClass, in milliseconds. Default 1,000. */
  readonly pollIntervalMs?: number;
}

const keys = [
  "manifest",
  "fetch",
  "replicas",
  "dataLocality",
  "defaultClass",
  "ui",
  "timeoutMs",
  "pollIntervalMs",
] as const satisfies readonly (keyof LonghornOptions)[];
const uiKeys = [
  "host",
  "user",
  "password",
  "ingressClass",
  "issuer",
] as const satisfies readonly (keyof LonghornUiOptions)[];

/** What is wrong with the options, or doubtful for these nodes. */
export function checkLonghorn(options: LonghornOptions, nodes: readonly PlannedNode[]): CheckResult {
  const workers = nodes.filter(({ role }) => role === "worker");
  const problems: Problem[] = [
    ...unknownKeys(options, keys),
    ...manifestProblems(options.manifest),
    ...countProblems("replicas", options.replicas, 1, 20),
    ...choiceProblems("dataLocality", options.dataLocality, ["disabled", "best-effort", "strict-local"]),
    ...(options.ui ? uiProblems(options.ui) : []),
  ];
  const warnings: Problem[] = [];
  if (workers.length === 0)
    problems.push({ path: "", message: "needs a worker to keep data on", hint: "add workers to a site" });
  if (options.replicas !== undefined && options.replicas > workers.length)
    warnings.push({
      path: "replicas",
      message: `is more than the ${workers.length} workers there are, so volumes stay degraded`,
      given: String(options.replicas),
    });
  if (options.dataLocality === "strict-local" && (options.replicas ?? 1) !== 1)
    problems.push({
      path: "dataLocality",
      message: "strict-local needs exactly one replica",
      given: "strict-local",
    });
  return { problems, warnings };
}

function uiProblems(ui: LonghornUiOptions): Problem[] {
  const problems = [
    ...unknownKeys(ui, uiKeys, "ui"),
    ...hostProblems("ui.host", ui.host),
    ...choiceProblems("ui.ingressClass", ui.ingressClass, ["nginx", "traefik"]),
    ...(ui.issuer === false ? [] : labelProblems("ui.issuer", ui.issuer)),
  ];
  if (typeof ui.user !== "string" || !/^[^\s:]+$/.test(ui.user))
    problems.push({
      path: "ui.user",
      message: "is not a user name",
      hint: "it must not be empty and has no colon",
    });
  // The password itself is never shown.
  if (typeof ui.password !== "string" || ui.password.length < 8)
    problems.push({ path: "ui.password", message: "is shorter than 8 characters" });
  return problems;
}

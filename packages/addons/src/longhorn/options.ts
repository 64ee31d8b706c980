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
  /** Ingress controller: `nginx` (RKE1 and RKE2 before 1.36 bring it) or `traefik`. Default: the cluster's own, see the README. */
  readonly ingressClass?: "nginx" | "traefik";
  /** cert-manager ClusterIssuer for its certificate; `false` is plain HTTP. Default `letsencrypt`. */
  readonly issuer?: string | false;
}

/** Options of {@link longhorn}. */
export interface LonghornOptions extends ManifestOptions {
  /** Copies of each volume. Default: one per site when the workers are in several, else one per worker; at most 3. */
  readonly replicas?: number;
  /** Whether a copy is kept where the volume is used. Default: `best-effort` when the workers are in several sites, so that reads do not cross the internet, else `disabled`. */
  readonly dataLocality?: "disabled" | "best-effort" | "strict-local";
  /** Make `longhorn` the default StorageClass. Default true. */
  readonly defaultClass?: boolean;
  /**
   * When the workers are in several sites, a StorageClass `longhorn-<site>` for each, whose copies (2, when the
   * site has as many workers) all stay in that site: no write waits for the internet, and the data is lost with
   * the site. Longhorn's nodes get the tag `site-<site>` for it. Default true.
   */
  readonly siteClasses?: boolean;
  /** The kubelet's folder on the nodes, where Longhorn's driver does not find it by itself; an absolute path, usually `/var/lib/kubelet`. Default: found by Longhorn. */
  readonly kubeletRootDir?: string;
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
  "siteClasses",
  "kubeletRootDir",
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
    ...pathProblems(options.kubeletRootDir),
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

function pathProblems(path: unknown): Problem[] {
  if (path === undefined || (typeof path === "string" && /^(\/[^/\0]+)+$/.test(path))) return [];
  return [
    {
      path: "kubeletRootDir",
      message: "is not an absolute path",
      given: String(path),
      hint: "without a slash at its end",
    },
  ];
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

import type { Addon, AddonContext, CheckResult, ClusterFacts, Problem } from "@multicloud/core/plugin";
import { loadManifest } from "../manifest/load.js";
import type { ManifestOptions } from "../manifest/source.js";
import { countProblems, labelProblems, manifestProblems, unknownKeys } from "../options/problems.js";
import { waitFor } from "../options/wait.js";
import { managedBy, traefikObjects } from "./objects.js";

/** Options of {@link traefik}. `manifest` is that of Traefik's CustomResourceDefinitions. */
export interface TraefikOptions extends ManifestOptions {
  /** Default `docker.io/library/traefik:v3.7.11`. */
  readonly image?: string;
  /** Default `traefik`. */
  readonly namespace?: string;
  /** Ports of the nodes that it listens on. Default 80 and 443. */
  readonly ports?: { readonly http?: number; readonly https?: number };
  /** Make it the cluster's default Ingress class. Default true. */
  readonly defaultClass?: boolean;
  /** How long to wait for it, in milliseconds. Default 10 minutes. */
  readonly timeoutMs?: number;
}

const keys = [
  "manifest",
  "fetch",
  "image",
  "namespace",
  "ports",
  "defaultClass",
  "timeoutMs",
] as const satisfies readonly (keyof TraefikOptions)[];

/** The definitions of the tag v3.7.9; patch releases of a minor version share them. The checksum is of that file in Traefik's repository. */
export const traefikRelease = {
  url: "https://raw.githubusercontent.com/traefik/traefik/v3.7.9/docs/content/reference/dynamic-configuration/kubernetes-crd-definition-v1.yml",
  sha256: "1d5e8558803804562238b0d4a57174aadd6d87c36e3c4c55199ebcc356a9406c",
};

/**
 * Traefik 3.7 as the cluster's ingress controller, for clusters whose engine brings none: on every node that
 * takes pods, at its ports 80 and 443, with the Ingress class `traefik`. A cluster that has that class from its
 * engine (RKE2, k3s) stays as it is.
 */
export function traefik(options: TraefikOptions = {}): Addon {
  return {
    specVersion: "v1",
    name: "traefik",
    check: async (_context, _nodes, cluster) => check(options, cluster),
    apply: (context) => apply(context, options),
  };
}

function check(options: TraefikOptions, cluster: ClusterFacts): CheckResult {
  const { http, https } = options.ports ?? {};
  const problems: Problem[] = [
    ...unknownKeys(options, keys),
    ...(options.ports ? unknownKeys(options.ports, ["http", "https"], "ports") : []),
    ...manifestProblems(options.manifest),
    ...labelProblems("namespace", options.namespace),
    ...countProblems("ports.http", http, 1, 65_535),
    ...countProblems("ports.https", https, 1, 65_535),
  ];
  if ((http ?? 80) === (https ?? 443))
    problems.push({ path: "ports", message: "are the same", given: String(http ?? 80) });
  // The engine's own Traefik stays as it is; beside another controller ours would wait for the ports for good.
  const other = cluster.ingress?.find((name) => name !== "traefik");
  const taken = [http ?? 80, https ?? 443].filter((port) => port === 80 || port === 443);
  if (other !== undefined && taken.length > 0 && !cluster.ingress?.includes("traefik"))
    problems.push({
      path: "ports",
      message: `${taken.join(" and ")} of the nodes are those of the engine's own ingress controller, ${other}`,
      hint: "configure the engine without it (the README of @multicloud/addons says how), or leave this addon out",
    });
  return { problems, warnings: [] };
}

async function apply(context: AddonContext, options: TraefikOptions): Promise<void> {
  const { kubernetes, signal } = context;
  const ingressClass = { apiVersion: "networking.k8s.io/v1", kind: "IngressClass", name: "traefik" };
  const present = await kubernetes.get(ingressClass, { signal });
  if (present && present.metadata.labels?.["app.kubernetes.io/managed-by"] !== managedBy) {
    context.report({ type: "log", level: "info", message: "traefik: the cluster brings its own" });
    return;
  }
  const namespace = options.namespace ?? "traefik";
  const definitions = await loadManifest(context, "traefik", options, traefikRelease);
  await kubernetes.apply([...definitions, ...traefikObjects(options, namespace)], { signal });
  const daemonSet = { apiVersion: "apps/v1", kind: "DaemonSet", name: "traefik", namespace };
  await waitFor(context, daemonSet, options.timeoutMs ?? 600_000);
}

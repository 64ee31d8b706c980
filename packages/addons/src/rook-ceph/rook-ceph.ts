import type {
  Addon,
  AddonContext,
  CheckResult,
  ClusterFacts,
  PlannedNode,
  Problem,
} from "@multicloud/core/plugin";
import { loadManifest } from "../manifest/load.js";
import type { ManifestSource } from "../manifest/source.js";
import { kubernetesRange } from "../options/kubernetes-range.js";
import { manifestProblems, unknownKeys } from "../options/problems.js";
import { waitFor } from "../options/wait.js";
import { cephObjects, type Layout, namespace } from "./objects.js";

/** Options of {@link rookCeph}. */
export interface RookCephOptions {
  /** Rook's own manifests, for offline use or another release. Default: `crds`, `common`, `csi-operator` and `operator` of v1.20.6, with built-in checksums. */
  readonly manifests?: readonly ManifestSource[];
  /** Default: the global `fetch`. */
  readonly fetch?: typeof fetch;
  /** Keep all data in one site. Ceph waits for every copy of a write: over the internet each takes a round trip. Default: all sites with workers. */
  readonly site?: string;
  /** Block devices to use, as a regular expression on their short names, for example `^vd[b-z]$`. Default: every empty one. Rook never takes a device with a file system or partitions. */
  readonly deviceFilter?: string;
  /** Default `quay.io/ceph/ceph:v20.2.4`. */
  readonly image?: string;
  /** Make `ceph-block` the default StorageClass. Default true. */
  readonly defaultClass?: boolean;
  /** How long to wait for each part, in milliseconds. Default 20 minutes. */
  readonly timeoutMs?: number;
}

const keys = [
  "manifests",
  "fetch",
  "site",
  "deviceFilter",
  "image",
  "defaultClass",
  "timeoutMs",
] as const satisfies readonly (keyof RookCephOptions)[];

const examples = "https://raw.githubusercontent.com/rook/rook/v1.20.6/deploy/examples";
/** The checksums are of these files at the tag v1.20.6 in Rook's repository. */
export const rookReleases: readonly { readonly url: string; readonly sha256: string }[] = [
  {
    url: `${examples}/crds.yaml`,
    sha256: "7fa7462d44b35d636703a03a88120030692a06a05ac91ec253200cb4ae8c37cf",
  },
  {
    url: `${examples}/common.yaml`,
    sha256: "2d59b3093446dcf7dd69c73ebaef2d41e8cdfd14af564c2e885d49ab8d190457",
  },
  {
    url: `${examples}/csi-operator.yaml`,
    sha256: "de0bf9160c8370220353d7140a4b60ee6d4b8eda5e260f395fd00cbdc1059ffb",
  },
  {
    url: `${examples}/operator.yaml`,
    sha256: "c69bb7309b6dfc34a1eeab658a1f9c825c7d156fb26dc1a6a824f6a9735761a4",
  },
];

/**
 * Rook 1.20 (Kubernetes 1.31 to 1.36) with one Ceph cluster, and the StorageClass `ceph-block`: the alternative to
 * Longhorn for workers with disks of their own. Ready when Ceph says that it is healthy enough to be used.
 */
export function rookCeph(options: RookCephOptions = {}): Addon {
  return {
    specVersion: "v1",
    name: "rook-ceph",
    check: async (_, nodes, cluster) => check(options, nodes, cluster),
    prepare: (node) => (isStorage(node, options) ? { packages: ["lvm2"] } : {}),
    apply: (context) => apply(context, options),
  };
}

function isStorage({ role, site }: PlannedNode, options: RookCephOptions): boolean {
  return role === "worker" && (options.site === undefined || site === options.site);
}

/** What the built-in release supports (rook.io, "Prerequisites"). */
const supported = { release: "Rook 1.20", from: 31, to: 36, option: "manifests" };

function check(options: RookCephOptions, nodes: readonly PlannedNode[], cluster: ClusterFacts): CheckResult {
  const storage = nodes.filter((node) => isStorage(node, options));
  const sites = new Set(storage.map(({ site }) => site));
  const problems: Problem[] = [
    ...unknownKeys(options, keys),
    ...(options.manifests ?? []).flatMap((source, index) =>
      manifestProblems(source).map((problem) => ({
        ...problem,
        path: problem.path.replace(/^manifest/, `manifests[${index}]`),
      })),
    ),
  ];
  const warnings = options.manifests === undefined ? kubernetesRange(supported, cluster) : [];
  if (storage.length === 0)
    problems.push({
      path: options.site === undefined ? "" : "site",
      message: "has no worker to keep data on",
      ...(options.site === undefined
        ? {}
        : { given: options.site, allowed: [...new Set(nodes.map(({ site }) => site))] }),
    });
  else if (storage.length < 3)
    warnings.push({
      path: "",
      message: `has ${storage.length} workers to keep data on: with less than three, one that fails stops it`,
    });
  if (options.deviceFilter !== undefined && !isPattern(options.deviceFilter))
    problems.push({
      path: "deviceFilter",
      message: "is not a regular expression",
      given: String(options.deviceFilter),
    });
  if (sites.size > 1)
    warnings.push({
      path: "site",
      message: "is not given, and the workers are in several sites: every write waits for all of them",
      allowed: [...sites],
    });
  return { problems, warnings };
}

function isPattern(given: unknown): boolean {
  try {
    return typeof given === "string" && given !== "" && Boolean(new RegExp(given));
  } catch {
    return false;
  }
}

async function apply(context: AddonContext, options: RookCephOptions): Promise<void> {
  const { kubernetes, signal } = context;
  const timeoutMs = options.timeoutMs ?? 1_200_000;
  const fetching = options.fetch ? { fetch: options.fetch } : {};
  const objects = [];
  for (const source of options.manifests ?? rookReleases)
    objects.push(...(await loadManifest(context, "rook-ceph", fetching, source)));
  await kubernetes.apply(objects, { signal });
  const operator = { apiVersion: "apps/v1", kind: "Deployment", name: "rook-ceph-operator", namespace };
  await waitFor(context, operator, timeoutMs);
  await kubernetes.apply(cephObjects(options, layoutOf(options, context.nodes)), { signal });
  const cluster = { apiVersion: "ceph.rook.io/v1", kind: "CephCluster", name: "rook-ceph", namespace };
  await waitFor(context, cluster, timeoutMs);
}

function layoutOf(options: RookCephOptions, nodes: readonly PlannedNode[]): Layout {
  const storage = nodes.filter((node) => isStorage(node, options));
  const sites = new Set(storage.map(({ site }) => site)).size;
  return {
    // A majority of the monitors must be left when one is lost.
    monitors: storage.length >= 3 ? 3 : 1,
    managers: storage.length >= 2 ? 2 : 1,
    copies: Math.min(3, storage.length),
    failureDomain: sites >= 3 ? "zone" : "host",
  };
}

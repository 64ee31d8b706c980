import { readFile } from "node:fs/promises";
import {
  type Addon,
  type AddonContext,
  type CallContext,
  type CheckResult,
  greetedName,
  MulticloudError,
  type PlannedNode,
  poll,
} from "@multicloud/core/plugin";
import { canonicalAddress } from "../agent/find-addresses.js";
import { type AgentSettings, defaultTiming } from "../agent/settings.js";
import { defaultNamespace, entrypointAgentManifest, labelsOf } from "./manifest.js";
import { defaultAddressSources, type EntrypointAgentOptions, optionProblems } from "./options.js";

/** The agent as an addon, which can also be taken out again. */
export interface EntrypointAgentAddon extends Addon {
  /** Stops the agents, removes all their objects but the Namespace, and then the record. What is gone already is fine. */
  remove(context: AddonContext): Promise<void>;
}

const defaultImage = "docker.io/library/node:22-alpine";
// A ConfigMap holds 1 MiB (https://kubernetes.io/docs/concepts/configuration/configmap/).
const largestProgram = 1_048_576;

/**
 * Keeps the cluster's record on live entry addresses from inside the cluster: a DaemonSet on the entry nodes,
 * run by a stock Node image from a ConfigMap. Ready when the pods are.
 *
 * Errors: `CONFIG_INVALID` (options, programs that are not built or too large), `AUTH_FAILED` (no DNS token),
 * and those of the Kubernetes API.
 */
export function entrypointAgent(options: EntrypointAgentOptions): EntrypointAgentAddon {
  const name = options.name ?? "entrypoint-agent";
  const namespace = options.namespace ?? defaultNamespace;
  return {
    specVersion: "v1",
    name,
    keepsEntrypoint: true,
    check: async (_context: CallContext, nodes: readonly PlannedNode[]): Promise<CheckResult> => ({
      problems: optionProblems(options, [...new Set(nodes.map(({ site }) => site))]),
      warnings: [],
    }),
    apply: async (context) => {
      const objects = await objectsOf(context, options, name, namespace);
      await context.kubernetes.apply(objects, { signal: context.signal });
      const daemonSet = { apiVersion: "apps/v1", kind: "DaemonSet", name, namespace };
      await context.kubernetes.waitReady(daemonSet, {
        signal: context.signal,
        timeoutMs: options.timeoutMs ?? 300_000,
        onProgress: (message) =>
          context.report({
            type: "log",
            level: "debug",
            message: `DaemonSet ${namespace}/${name}: ${message}`,
          }),
      });
    },
    remove: (context) => remove(context, options, name, namespace),
  };
}

/** The settings of an agent as its ConfigMap holds them. */
export function agentSettings(
  cluster: string,
  nodes: readonly Pick<PlannedNode, "site">[],
  options: EntrypointAgentOptions,
  entries: AddonContext["entries"] = {},
): AgentSettings {
  const { inCluster } = options.entrypoint;
  if (!inCluster) {
    throw new MulticloudError(`${options.entrypoint.name} cannot be kept from inside the cluster`, {
      code: "CONFIG_INVALID",
      hint: "keep the record from outside with entrypoint.watch(), or use another DNS plugin",
    });
  }
  return {
    cluster,
    name: options.name ?? "entrypoint-agent",
    namespace: options.namespace ?? defaultNamespace,
    record: options.entrypoint.record,
    policy: options.policy ?? "active",
    ...(options.failbackMs === undefined ? {} : { failbackMs: options.failbackMs }),
    prefer: options.prefer ?? [...new Set(nodes.map(({ site }) => site))],
    probe: options.probe ?? { kind: "tls", host: greetedName(options.entrypoint.record) },
    addresses: canonical(options.addresses ?? {}),
    entries: canonical(entries),
    addressSources: options.addressSources ?? defaultAddressSources,
    timing: options.timing ?? {},
    dns: inCluster.settings,
    statusPort: 8_080,
  };
}

function canonical(bySite: AgentSettings["addresses"]): AgentSettings["addresses"] {
  const sites = Object.entries(bySite).map(([site, addresses]) => [
    site,
    addresses.map((address) => canonicalAddress(address) ?? address),
  ]);
  return Object.fromEntries(sites);
}

async function objectsOf(
  context: AddonContext,
  options: EntrypointAgentOptions,
  name: string,
  namespace: string,
) {
  const named = { ...options, name, namespace };
  const settings = agentSettings(context.cluster, context.nodes, named, context.entries);
  const { inCluster } = options.entrypoint;
  const [program, dnsProgram] = await Promise.all([
    options.program ?? agentProgram(),
    inCluster?.program() ?? "",
  ]);
  const size = Buffer.byteLength(program) + Buffer.byteLength(dnsProgram);
  if (size >= largestProgram - 16_384) {
    throw new MulticloudError(`the programs of the entrypoint agent have ${size} bytes`, {
      code: "CONFIG_INVALID",
      service: options.entrypoint.name,
      hint: "a ConfigMap holds 1 MiB: make the DNS plugin's in-cluster half smaller",
    });
  }
  return entrypointAgentManifest({
    settings,
    program,
    dnsProgram,
    secrets: inCluster?.secrets() ?? {},
    image: options.image ?? defaultImage,
    ...(options.nodeSelector ? { nodeSelector: options.nodeSelector } : {}),
  });
}

/** Source of the agent as one ES module, from this package's build. Rejects with `CONFIG_INVALID` when it is not built. */
export async function agentProgram(): Promise<string> {
  for (const path of ["./agent.js", "../../dist/agent.js"]) {
    try {
      return await readFile(new URL(path, import.meta.url), "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
  throw new MulticloudError("the program of @multicloud/entrypoint-agent is not built", {
    code: "CONFIG_INVALID",
    hint: "run npm run bundle in the repository, or install the published package",
  });
}

async function remove(
  context: AddonContext,
  options: EntrypointAgentOptions,
  name: string,
  namespace: string,
): Promise<void> {
  const { kubernetes, signal } = context;
  const rbac = "rbac.authorization.k8s.io/v1";
  const inNamespace = { name, namespace };
  const clusterWide = { name: `${namespace}-${name}` };
  await kubernetes.delete({ apiVersion: "apps/v1", kind: "DaemonSet", ...inNamespace }, { signal });
  // Without rights an agent on a node that nobody hears stops writing before its lease ends.
  await kubernetes.delete({ apiVersion: rbac, kind: "RoleBinding", ...inNamespace }, { signal });
  const removedAt = performance.now();
  const { leaseMs } = { ...defaultTiming, ...options.timing };
  const selector = Object.entries(labelsOf(name))
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
  await poll({
    what: "the entrypoint agents to stop",
    signal,
    intervalMs: 250,
    timeoutMs: leaseMs + 30_000,
    async check() {
      const kind = { apiVersion: "v1", kind: "Pod", namespace, labelSelector: selector };
      const pods = await kubernetes.list(kind, { signal });
      return pods.length === 0 || performance.now() - removedAt > leaseMs ? true : undefined;
    },
  });
  await kubernetes.delete({ apiVersion: rbac, kind: "Role", ...inNamespace }, { signal });
  for (const kind of ["ClusterRoleBinding", "ClusterRole"])
    await kubernetes.delete({ apiVersion: rbac, kind, ...clusterWide }, { signal });
  for (const kind of ["Secret", "ConfigMap", "ServiceAccount"])
    await kubernetes.delete({ apiVersion: "v1", kind, ...inNamespace }, { signal });
  const leases = await kubernetes.list(
    {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      namespace,
      labelSelector: `app.kubernetes.io/name=entrypoint-agent,app.kubernetes.io/instance=${name}`,
    },
    { signal },
  );
  for (const { metadata } of leases) {
    const lease = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", name: metadata.name, namespace };
    await kubernetes.delete(lease, { signal });
  }
  await options.entrypoint.remove(context);
}

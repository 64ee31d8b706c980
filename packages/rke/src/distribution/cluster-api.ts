import {
  type EngineContext,
  type EngineNode,
  type KubernetesApi,
  type KubernetesObject,
  MulticloudError,
} from "@multicloud/core/plugin";
import { parseDocument } from "yaml";
import { type Distribution, pathsOf } from "./distribution.js";
import { clusterLabel, inUrl } from "./node-config.js";

/** A Node object, as far as it matters here. */
export interface ClusterNode {
  readonly name: string;
  readonly ready: boolean;
  readonly schedulable: boolean;
  readonly version: string;
  readonly address: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  /** This package cordoned it for an upgrade that has not ended yet. */
  readonly drained: boolean;
}

/** Says on a Node object that this package cordoned it, for the run that goes on after a cut-off one. */
const drainedAnnotation = "multicloud/drained";

/** An open client of the cluster, and what it was opened with. */
export interface ClusterApi {
  readonly api: KubernetesApi;
  /** The master whose kubeconfig this is. */
  readonly master: EngineNode;
  /** As the master has it. */
  readonly kubeconfig: string;
}

/** Reads a master's kubeconfig; `undefined` when there is none yet. */
export async function readKubeconfig(
  distribution: Distribution,
  node: EngineNode,
  signal: AbortSignal,
): Promise<string | undefined> {
  const path = pathsOf(distribution).kubeconfig;
  const { code, stdout } = await node.host.exec(`cat ${path}`, { sudo: true, signal, timeoutMs: 60_000 });
  return code === 0 && parseDocument(stdout).getIn(["clusters", 0, "cluster", "server"]) ? stdout : undefined;
}

/** Address at which a master can be reached from the operator's machine. */
export function reachableAddress(node: EngineNode): string {
  return node.publicAddress ?? node.address;
}

/** A master's kubeconfig with another server, and with the cluster's name for everything that has one. */
export function renameKubeconfig(kubeconfig: string, cluster: string, server: string): string {
  const document = parseDocument(kubeconfig);
  for (const [path, value] of [
    [["clusters", 0, "cluster", "server"], `https://${inUrl(server)}:6443`],
    [["clusters", 0, "name"], cluster],
    [["users", 0, "name"], cluster],
    [["contexts", 0, "name"], cluster],
    [["contexts", 0, "context", "cluster"], cluster],
    [["contexts", 0, "context", "user"], cluster],
    [["current-context"], cluster],
  ] as const)
    document.setIn(path, value);
  return document.toString({ lineWidth: 0 });
}

/** Opens the API through the first of these masters that gives a list of nodes; `undefined` when none does. */
export async function openApi(
  distribution: Distribution,
  context: EngineContext,
  masters: readonly EngineNode[],
  patienceMs = 15_000,
): Promise<ClusterApi | undefined> {
  for (const master of masters) {
    const kubeconfig = await readKubeconfig(distribution, master, context.signal);
    if (kubeconfig === undefined) continue;
    const direct = renameKubeconfig(kubeconfig, context.cluster, reachableAddress(master));
    const api = await context.kubernetes(direct);
    try {
      await api.nodes({ signal: AbortSignal.any([context.signal, AbortSignal.timeout(patienceMs)]) });
      return { api, master, kubeconfig };
    } catch {
      await api.close();
      context.signal.throwIfAborted();
    }
  }
  return undefined;
}

/** All nodes of the cluster, by name. */
export async function listNodes(
  api: KubernetesApi,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, ClusterNode>> {
  const objects = await api.list({ apiVersion: "v1", kind: "Node" }, { signal });
  return new Map(objects.map((object) => [object.metadata.name, readNode(object)]));
}

function readNode(object: KubernetesObject): ClusterNode {
  const { name, labels = {}, annotations = {} } = object.metadata;
  const spec = (object.spec ?? {}) as { readonly unschedulable?: boolean };
  const status = (object.status ?? {}) as {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly addresses?: readonly { readonly type: string; readonly address: string }[];
    readonly nodeInfo?: { readonly kubeletVersion?: string };
  };
  return {
    name,
    ready: status.conditions?.some((one) => one.type === "Ready" && one.status === "True") ?? false,
    schedulable: spec.unschedulable !== true,
    version: status.nodeInfo?.kubeletVersion ?? "",
    address: status.addresses?.find(({ type }) => type === "InternalIP")?.address,
    labels,
    drained: annotations[drainedAnnotation] !== undefined,
  };
}

/** Whether a Node object carries this cluster's mark. */
export const isOurs = (cluster: string, node: ClusterNode) => node.labels[clusterLabel] === cluster;

/** Sets what this package wants on a Node object: its labels, and while it is being upgraded a note of that. */
export async function applyNode(
  { api }: ClusterApi,
  name: string,
  labels: Readonly<Record<string, string>>,
  drained: boolean | undefined,
  signal: AbortSignal,
): Promise<void> {
  await api.apply(
    [
      {
        apiVersion: "v1",
        kind: "Node",
        metadata: {
          name,
          labels,
          ...(drained ? { annotations: { [drainedAnnotation]: "upgrade" } } : {}),
        },
        ...(drained === false ? { spec: { unschedulable: false } } : {}),
      },
    ],
    { signal, force: true },
  );
}

/**
 * Takes a node out of the cluster: its Node object, with which a server leaves etcd too, and the password by
 * which its name belongs to a machine. One that is gone already is fine.
 */
export async function forgetNode(
  distribution: Distribution,
  { api }: ClusterApi,
  name: string,
  signal: AbortSignal,
): Promise<void> {
  await api.delete({ apiVersion: "v1", kind: "Node", name }, { signal });
  await api.delete(
    {
      apiVersion: "v1",
      kind: "Secret",
      namespace: "kube-system",
      name: `${name}.node-password.${distribution.name}`,
    },
    { signal },
  );
}

/** The error of a cluster whose masters run but do not answer. */
export function silentApi(distribution: Distribution, members: readonly EngineNode[]): MulticloudError {
  const names = members.map(({ name }) => name).join(", ");
  const [first] = members;
  return new MulticloudError(
    `the masters ${names} run ${distribution.title}, but the Kubernetes API does not answer: etcd has no majority of its members`,
    {
      code: "ENGINE_FAILED",
      site: first?.site,
      node: first?.name,
      service: distribution.name,
      hint: "bring the missing masters back; if they are gone for good, restore etcd on one of them (cluster-reset) before up()",
    },
  );
}

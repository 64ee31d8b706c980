import type { KubernetesNode, KubernetesObject, WaitOptions } from "../types.js";
import { type ClientParts, type Listed, listObjects } from "./objects.js";
import { waitFor } from "./poll.js";

const nodeKind = { apiVersion: "v1", kind: "Node" };
const rolePrefix = "node-role.kubernetes.io/";

type NodeStatus = {
  readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  readonly addresses?: readonly { readonly type: string; readonly address: string }[];
  readonly nodeInfo?: { readonly kubeletVersion?: string };
};

/** All nodes, sorted by name. */
export async function listNodes(
  parts: ClientParts,
  signal: AbortSignal | undefined,
): Promise<readonly KubernetesNode[]> {
  return readNodes(await listObjects(parts, nodeKind, signal));
}

function readNodes({ items }: Listed): readonly KubernetesNode[] {
  return items.map(readNode).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Waits until all named nodes are there and Ready; gives all nodes of these names. */
export function waitNodesReady(
  parts: ClientParts,
  names: readonly string[],
  options: WaitOptions | undefined,
): Promise<readonly KubernetesNode[]> {
  return waitFor<readonly KubernetesNode[]>({
    what: `${names.length} nodes to become Ready`,
    transport: parts.transport,
    intervalMs: parts.pollIntervalMs,
    options,
    async look(signal) {
      const listed = await listObjects(parts, nodeKind, signal);
      const nodes = readNodes(listed).filter((node) => names.includes(node.name));
      const missing = names.filter((name) => !nodes.some((node) => node.name === name && node.ready));
      if (missing.length === 0) return { done: nodes };
      return {
        watch: listed.watch,
        waiting: `${names.length - missing.length} of ${names.length} nodes Ready; waiting for ${missing.join(", ")}`,
      };
    },
  });
}

function readNode(object: KubernetesObject): KubernetesNode {
  const status = (object.status ?? {}) as NodeStatus;
  const spec = (object.spec ?? {}) as { readonly unschedulable?: boolean };
  const labels = object.metadata.labels ?? {};
  const address = (type: string) => status.addresses?.find((entry) => entry.type === type)?.address;
  const internalAddress = address("InternalIP");
  const externalAddress = address("ExternalIP");
  return {
    name: object.metadata.name,
    ready: status.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false,
    roles: Object.keys(labels)
      .filter((label) => label.startsWith(rolePrefix))
      .map((label) => label.slice(rolePrefix.length))
      .sort(),
    ...(internalAddress === undefined ? {} : { internalAddress }),
    ...(externalAddress === undefined ? {} : { externalAddress }),
    version: status.nodeInfo?.kubeletVersion ?? "",
    schedulable: spec.unschedulable !== true,
    labels,
  };
}

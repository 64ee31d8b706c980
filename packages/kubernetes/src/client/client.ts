import { parseKubeconfig } from "../kubeconfig/parse.js";
import type { ConnectOptions, KubernetesApi } from "../types.js";
import { applyObjects } from "./apply.js";
import { resolveEndpoint } from "./credentials.js";
import { createDiscovery } from "./discovery.js";
import { drainNode } from "./drain.js";
import { listNodes, waitNodesReady } from "./nodes.js";
import { type ClientParts, deleteObject, getObject, listObjects, waitObjectReady } from "./objects.js";
import { createTransport } from "./transport.js";

/** Puts a client together. Opens no connection yet. */
export function createClient(kubeconfig: string, options: ConnectOptions): KubernetesApi {
  const transport = createTransport(resolveEndpoint(parseKubeconfig(kubeconfig), options.context), options);
  const parts: ClientParts = {
    transport,
    discovery: createDiscovery(transport),
    pollIntervalMs: options.pollIntervalMs ?? 1_000,
    fieldManager: options.fieldManager ?? "multicloud",
  };
  return {
    apply: (objects, call) => applyObjects(parts, objects, call),
    get: (reference, call) => getObject(parts, reference, call?.signal),
    list: async (kind, call) => (await listObjects(parts, kind, call?.signal)).items,
    delete: (reference, call) => deleteObject(parts, reference, call?.signal),
    waitReady: (reference, wait) => waitObjectReady(parts, reference, wait),
    nodes: (call) => listNodes(parts, call?.signal),
    waitNodesReady: (names, wait) => waitNodesReady(parts, names, wait),
    drain: (node, wait) => drainNode(parts, node, wait),
    async close() {
      transport.close();
    },
  };
}

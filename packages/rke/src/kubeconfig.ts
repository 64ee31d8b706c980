import type { EngineNode } from "@multicloud/core/plugin";
import { parseDocument } from "yaml";
import { inOrder } from "./cluster-yml/render.js";

/**
 * RKE's kubeconfig with a server that the operator can reach. RKE writes the address at which it dialled
 * the first control plane node, which behind a bastion is a private one and which dies with that node. The
 * name that leads to all masters outlives any of them; without one it is the first master with a public
 * address. Both are in the API's certificate. Without a public address the document stays as it is.
 */
export function reachableKubeconfig(
  kubeconfig: string,
  nodes: readonly EngineNode[],
  apiName: string | undefined,
): string {
  const masters = inOrder(nodes).filter((node) => node.role === "master");
  const address = masters.find((node) => node.publicAddress !== undefined)?.publicAddress;
  if (address === undefined) return kubeconfig;
  const document = parseDocument(kubeconfig);
  const host = apiName ?? (address.includes(":") ? `[${address}]` : address);
  document.setIn(["clusters", 0, "cluster", "server"], `https://${host}:6443`);
  return document.toString({ lineWidth: 0 });
}

/** Whether a text is a kubeconfig that can be used: a cut-off write leaves half a document. */
export function isKubeconfig(text: string): boolean {
  const document = parseDocument(text);
  return (
    document.errors.length === 0 &&
    typeof document.getIn(["clusters", 0, "cluster", "server"]) === "string" &&
    document.getIn(["users", 0, "user"]) !== undefined
  );
}

import { Document, isMap, isSeq, type YAMLMap, type YAMLSeq } from "yaml";
import { kubeconfigDocument, parseKubeconfig, resolveContext } from "./parse.js";

/** Options of {@link mergeKubeconfig}. */
export interface MergeKubeconfigOptions {
  /** Make the added context the current one. Default true; one is made current anyway when there was none. */
  readonly setCurrent?: boolean;
}

/**
 * Adds the current context of `added` to `existing` under the name `contextName`, with a cluster and a user
 * of the same name; entries of these names are replaced, so merging again changes nothing. All else in
 * `existing`, comments too, stays as it was. A cluster or user of that name which another context uses is
 * left alone, and ours gets `-multicloud` appended.
 *
 * @param existing the user's kubeconfig; empty or undefined makes a new one
 * @throws KubernetesError `CONFIG_INVALID` when one of the documents cannot be used
 */
export function mergeKubeconfig(
  existing: string | undefined,
  added: string,
  contextName: string,
  options: MergeKubeconfigOptions = {},
): string {
  const source = resolveContext(parseKubeconfig(added));
  const text = existing?.trim() ? existing : undefined;
  const document = text
    ? kubeconfigDocument(text)
    : new Document({ apiVersion: "v1", kind: "Config", preferences: {} });
  const before = text
    ? parseKubeconfig(text)
    : { clusters: [], users: [], contexts: [], currentContext: undefined };
  const others = before.contexts.filter((entry) => entry.name !== contextName).map((entry) => entry.context);
  const cluster = freeName(contextName, (name) => others.some((context) => context.cluster === name));
  const user = freeName(contextName, (name) => others.some((context) => context.user === name));

  put(document, "clusters", cluster, { cluster: source.cluster });
  put(document, "users", user, { user: source.user });
  put(document, "contexts", contextName, { context: { ...source.context, cluster, user } });
  if (options.setCurrent !== false || before.currentContext === undefined)
    document.set("current-context", contextName);
  return document.toString({ lineWidth: 0 });
}

/**
 * The same kubeconfig with the API server of its current context at another address. All else stays, but for
 * `tls-server-name`, which belonged to the address before.
 *
 * @param options `tlsServerName`: a name that is in the server's certificate, where the address is not
 * @throws KubernetesError `CONFIG_INVALID` when the document cannot be used
 */
export function setServer(
  kubeconfig: string,
  url: string,
  options: { readonly tlsServerName?: string } = {},
): string {
  const config = parseKubeconfig(kubeconfig);
  const { context } = resolveContext(config);
  const document = kubeconfigDocument(kubeconfig);
  const index = config.clusters.findIndex(({ name }) => name === context.cluster);
  const path = ["clusters", index, "cluster"];
  document.setIn([...path, "server"], url);
  if (options.tlsServerName !== undefined)
    document.setIn([...path, "tls-server-name"], options.tlsServerName);
  else document.deleteIn([...path, "tls-server-name"]);
  return document.toString({ lineWidth: 0 });
}

function freeName(wanted: string, taken: (name: string) => boolean): string {
  let name = wanted;
  while (taken(name)) name += "-multicloud";
  return name;
}

/** Replaces the entry of that name in one of the document's lists, or appends it. */
function put(document: Document, list: string, name: string, value: Record<string, unknown>): void {
  const node = document.createNode({ name, ...value }) as YAMLMap;
  const present = document.get(list);
  const sequence = isSeq(present) ? present : (document.createNode([]) as YAMLSeq);
  if (sequence !== present) document.set(list, sequence);
  const index = sequence.items.findIndex((item) => isMap(item) && item.get("name") === name);
  if (index === -1) sequence.add(node);
  else sequence.items[index] = node;
  // An empty list is usually written `[]`; what is added to it reads better as a block.
  if (sequence.flow && sequence.items.length === 1) sequence.flow = false;
}

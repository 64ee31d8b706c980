import { isMap, parseDocument } from "yaml";
import { KubernetesError } from "../kubernetes-error.js";

/** One `clusters` entry, by the names of the file format. */
export interface KubeconfigCluster {
  readonly server: string;
  readonly "certificate-authority-data"?: string;
  readonly "certificate-authority"?: string;
  readonly "tls-server-name"?: string;
  readonly "insecure-skip-tls-verify"?: boolean;
  readonly "proxy-url"?: string;
  readonly [field: string]: unknown;
}

/** One `users` entry. Holds secrets: never log it. */
export interface KubeconfigUser {
  readonly "client-certificate-data"?: string;
  readonly "client-key-data"?: string;
  readonly token?: string;
  readonly [field: string]: unknown;
}

/** One `contexts` entry. */
export interface KubeconfigContext {
  readonly cluster: string;
  readonly user: string;
  readonly namespace?: string;
  readonly [field: string]: unknown;
}

/** A kubeconfig document (Kubernetes `client/config/v1`). */
export interface Kubeconfig {
  readonly clusters: readonly { readonly name: string; readonly cluster: KubeconfigCluster }[];
  readonly users: readonly { readonly name: string; readonly user: KubeconfigUser }[];
  readonly contexts: readonly { readonly name: string; readonly context: KubeconfigContext }[];
  readonly currentContext: string | undefined;
}

/** Refuses a kubeconfig with what is wrong in it; never quotes the document, which holds secrets. */
export function invalidKubeconfig(problem: string): KubernetesError {
  return new KubernetesError(`the kubeconfig cannot be used: ${problem}`, {
    code: "CONFIG_INVALID",
    hint: "a kubeconfig has clusters, users and contexts that name each other, and a current-context",
  });
}

/** The document for editing. Throws `CONFIG_INVALID` when it is no YAML mapping. */
export function kubeconfigDocument(text: string): ReturnType<typeof parseDocument> {
  const document = parseDocument(text);
  const problem = document.errors[0];
  // Only the position is told: the parser's message quotes the line, which may be a key.
  if (problem) throw invalidKubeconfig(`line ${problem.linePos?.[0].line ?? "?"} is not valid YAML`);
  if (!isMap(document.contents)) throw invalidKubeconfig("it is not a YAML mapping");
  return document;
}

/**
 * Reads a kubeconfig document. Throws {@link KubernetesError} `CONFIG_INVALID` when it is no YAML, when an
 * entry has no name or lacks what it must have, or when two entries share a name.
 */
export function parseKubeconfig(text: string): Kubeconfig {
  const data = kubeconfigDocument(text).toJS() as Record<string, unknown>;
  const clusters = entries(data, "clusters", "cluster").map(({ name, value }) => {
    if (typeof value.server !== "string") throw invalidKubeconfig(`cluster ${name} has no server`);
    return { name, cluster: value as KubeconfigCluster };
  });
  const users = entries(data, "users", "user").map(({ name, value }) => ({
    name,
    user: value as KubeconfigUser,
  }));
  const contexts = entries(data, "contexts", "context").map(({ name, value }) => {
    if (typeof value.cluster !== "string") throw invalidKubeconfig(`context ${name} has no cluster`);
    return { name, context: { user: "", ...value } as KubeconfigContext };
  });
  const current = data["current-context"];
  return {
    clusters,
    users,
    contexts,
    currentContext: typeof current === "string" && current !== "" ? current : undefined,
  };
}

/** A context with its cluster and its user. Throws `CONFIG_INVALID` when one of them is not there. */
export function resolveContext(
  config: Kubeconfig,
  name = config.currentContext,
): {
  readonly name: string;
  readonly context: KubeconfigContext;
  readonly cluster: KubeconfigCluster;
  readonly user: KubeconfigUser;
} {
  if (name === undefined) throw invalidKubeconfig("it has no current-context");
  const context = config.contexts.find((entry) => entry.name === name)?.context;
  if (!context) throw invalidKubeconfig(`it has no context ${name}`);
  const cluster = config.clusters.find((entry) => entry.name === context.cluster)?.cluster;
  if (!cluster)
    throw invalidKubeconfig(`context ${name} names cluster ${context.cluster}, which is not in it`);
  const user = config.users.find((entry) => entry.name === context.user)?.user;
  if (!user && context.user !== "")
    throw invalidKubeconfig(`context ${name} names user ${context.user}, which is not in it`);
  return { name, context, cluster, user: user ?? {} };
}

function entries(
  data: Record<string, unknown>,
  list: string,
  member: string,
): { readonly name: string; readonly value: Record<string, unknown> }[] {
  const given = data[list] ?? [];
  if (!Array.isArray(given)) throw invalidKubeconfig(`${list} is not a list`);
  const seen = new Set<string>();
  return given.map((entry: unknown, index) => {
    const { name, [member]: value } = (entry ?? {}) as Record<string, unknown>;
    if (typeof name !== "string" || name === "") throw invalidKubeconfig(`${list}[${index}] has no name`);
    if (seen.has(name)) throw invalidKubeconfig(`${list} has ${name} twice`);
    seen.add(name);
    if (value !== undefined && value !== null && typeof value !== "object")
      throw invalidKubeconfig(`${list}[${index}].${member} is not a mapping`);
    return { name, value: (value ?? {}) as Record<string, unknown> };
  });
}

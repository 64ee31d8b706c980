import { describeReference, KubernetesError } from "../kubernetes-error.js";
import type { KindSelector, KubernetesObject, ObjectReference, WaitOptions } from "../types.js";
import { type Discovery, type Resource, resourcePath } from "./discovery.js";
import { waitFor } from "./poll.js";
import { readiness } from "./readiness.js";
import type { Transport } from "./transport.js";
import type { WatchTarget } from "./watch.js";

const pageSize = 500;

/** What the operations of a client share. */
export interface ClientParts {
  readonly transport: Transport;
  readonly discovery: Discovery;
  readonly pollIntervalMs: number;
  readonly fieldManager: string;
}

/** One object; `undefined` when it, its namespace or its kind does not exist. */
export async function getObject(
  parts: ClientParts,
  reference: ObjectReference,
  signal: AbortSignal | undefined,
): Promise<KubernetesObject | undefined> {
  const resource = await parts.discovery.find(reference, signal);
  if (!resource) return undefined;
  const answer = await parts.transport.request({
    method: "GET",
    path: resourcePath(resource, reference),
    doing: `reading ${describeReference(reference)}`,
    reference,
    accept: [404],
    signal,
  });
  return answer.status === 404 ? undefined : asObject(answer.data, reference);
}

/** All objects of a kind, and what to watch to hear of changes after that. */
export interface Listed {
  readonly items: readonly KubernetesObject[];
  readonly watch: WatchTarget;
}

/** All objects of a kind, page by page. */
export async function listObjects(
  parts: ClientParts,
  kind: KindSelector & { readonly fieldSelector?: string },
  signal: AbortSignal | undefined,
): Promise<Listed> {
  const resource = await parts.discovery.require(kind, signal);
  for (let restarts = 0; ; restarts++) {
    const found = await listPages(parts, resource, kind, signal, restarts < 3);
    if (found) return found;
  }
}

async function listPages(
  parts: ClientParts,
  resource: Resource,
  kind: KindSelector & { readonly fieldSelector?: string },
  signal: AbortSignal | undefined,
  mayRestart: boolean,
): Promise<Listed | undefined> {
  const items: KubernetesObject[] = [];
  const path = resourcePath(resource, kind.namespace === undefined ? {} : { namespace: kind.namespace });
  const { labelSelector, fieldSelector } = kind;
  let next: string | undefined;
  let resourceVersion: string | undefined;
  do {
    const answer = await parts.transport.request({
      method: "GET",
      path,
      query: { limit: pageSize, continue: next, labelSelector, fieldSelector },
      doing: `listing ${resource.name}`,
      // A continue token lives five minutes; then the list starts anew.
      accept: next !== undefined && mayRestart ? [410] : [],
      signal,
    });
    if (answer.status === 410) return undefined;
    const page = answer.data as
      | { items?: KubernetesObject[]; metadata?: { continue?: string; resourceVersion?: string } }
      | undefined;
    if (!Array.isArray(page?.items))
      throw new KubernetesError(`listing ${resource.name}: the answer is not a list`, {
        code: "SERVICE_ANSWER",
      });
    // Items of a list leave out what the list says for all.
    for (const item of page.items) items.push({ ...item, apiVersion: kind.apiVersion, kind: kind.kind });
    next = page.metadata?.continue || undefined;
    resourceVersion = page.metadata?.resourceVersion;
  } while (next !== undefined);
  return { items, watch: { path, query: { labelSelector, fieldSelector, resourceVersion } } };
}

/** Deletes one object and, in the background, what it owns. */
export async function deleteObject(
  parts: ClientParts,
  reference: ObjectReference,
  signal: AbortSignal | undefined,
): Promise<void> {
  const resource = await parts.discovery.find(reference, signal);
  if (!resource) return;
  await parts.transport.request({
    method: "DELETE",
    path: resourcePath(resource, reference),
    query: { propagationPolicy: "Background" },
    doing: `deleting ${describeReference(reference)}`,
    reference,
    accept: [404],
    signal,
  });
}

/** Waits until {@link readiness} says so. */
export function waitObjectReady(
  parts: ClientParts,
  reference: ObjectReference,
  options: WaitOptions | undefined,
): Promise<void> {
  return waitFor<void>({
    what: `${describeReference(reference)} to become ready`,
    reference,
    intervalMs: parts.pollIntervalMs,
    options,
    transport: parts.transport,
    async look(signal) {
      const resource = await parts.discovery.find(reference, signal);
      if (!resource) return { waiting: `kind ${reference.kind} does not exist yet` };
      const { name, namespace = "default", apiVersion, kind } = reference;
      const { items, watch } = await listObjects(
        parts,
        {
          apiVersion,
          kind,
          fieldSelector: `metadata.name=${name}`,
          ...(resource.namespaced ? { namespace } : {}),
        },
        signal,
      );
      const [object] = items;
      if (!object) return { waiting: "it does not exist yet", watch };
      const { state, message } = readiness(object);
      if (state === "failed")
        throw new KubernetesError(`${describeReference(reference)} cannot become ready: ${message}`, {
          code: "KUBERNETES_FAILED",
          reference,
        });
      return state === "ready" ? { done: undefined } : { waiting: message, watch };
    },
  });
}

/** The answer as an object; rejects what is none, for example a proxy's login page. */
export function asObject(data: unknown, reference: ObjectReference): KubernetesObject {
  const object = data as KubernetesObject | undefined;
  if (typeof object !== "object" || typeof object?.metadata?.name !== "string")
    throw new KubernetesError(`reading ${describeReference(reference)}: the answer is not an object`, {
      code: "SERVICE_ANSWER",
      reference,
    });
  return object;
}

import { describeReference, KubernetesError } from "../kubernetes-error.js";
import type { ApplyOptions, ApplyResult, KubernetesObject, ObjectReference } from "../types.js";
import { delay } from "./delay.js";
import { differs } from "./difference.js";
import { type Resource, resourcePath } from "./discovery.js";
import { asObject, type ClientParts, getObject, waitObjectReady } from "./objects.js";

// Requests of one apply that are under way at once, where their order does not matter.
const concurrency = 8;
// How long an established definition may take to show up in discovery.
const discoveryLagMs = 30_000;

/**
 * Server-side apply (Kubernetes docs, "Server-Side Apply"): namespaces and definitions first and side by
 * side, then the rest in the order given; neighbours of one kind, which do not need each other, side by side too. A
 * read before each write tells whether it changed anything.
 */
export async function applyObjects(
  parts: ClientParts,
  objects: readonly KubernetesObject[],
  options: ApplyOptions | undefined,
): Promise<readonly ApplyResult[]> {
  const signal = options?.signal;
  for (const [index, object] of objects.entries()) requireIdentity(object, index);
  const results = new Map<KubernetesObject, ApplyResult>();
  const early = objects.filter(isEarly);
  const late = objects.filter((object) => !isEarly(object));
  const own = new Set(early.flatMap(definedKind));

  await eachOf(early, concurrency, async (object) => {
    const before = await getObject(parts, referenceOf(object), signal);
    results.set(object, await applyOne(parts, object, before, options, own));
  });
  await eachOf(early, concurrency, (object) =>
    waitObjectReady(parts, referenceOf(object), { timeoutMs: 60_000, ...(signal ? { signal } : {}) }),
  );

  const before = new Map<KubernetesObject, KubernetesObject | undefined>();
  await eachOf(late, concurrency, async (object) => {
    before.set(object, await getObject(parts, referenceOf(object), signal));
  });
  for (const alike of byKind(late))
    await eachOf(alike, concurrency, async (object) => {
      results.set(object, await applyOne(parts, object, before.get(object), options, own));
    });
  return objects.map((object) => results.get(object)!);
}

/** The objects in their order, neighbours of one kind together. */
function byKind(objects: readonly KubernetesObject[]): readonly (readonly KubernetesObject[])[] {
  const groups: KubernetesObject[][] = [];
  for (const object of objects) {
    const last = groups.at(-1)?.[0];
    if (last && last.kind === object.kind && last.apiVersion === object.apiVersion)
      groups.at(-1)!.push(object);
    else groups.push([object]);
  }
  return groups;
}

/** Names an object. */
function referenceOf(object: KubernetesObject): ObjectReference {
  const { name, namespace } = object.metadata;
  return {
    apiVersion: object.apiVersion,
    kind: object.kind,
    name,
    ...(namespace === undefined ? {} : { namespace }),
  };
}

async function applyOne(
  parts: ClientParts,
  object: KubernetesObject,
  before: KubernetesObject | undefined,
  options: ApplyOptions | undefined,
  own: ReadonlySet<string>,
): Promise<ApplyResult> {
  const reference = referenceOf(object);
  if (before && isBare(object) && !ownsFields(before, parts.fieldManager))
    return { reference, changed: false };
  const resource = await resolveKind(parts, object, own, options?.signal);
  // The server refuses an apply that carries managedFields; manifests dumped from a cluster have them.
  const { managedFields: _, ...metadata } = object.metadata;
  const answer = await parts.transport.request({
    method: "PATCH",
    path: resourcePath(resource, reference),
    query: {
      fieldManager: parts.fieldManager,
      fieldValidation: "Strict",
      force: options?.force === true ? true : undefined,
    },
    // JSON is YAML, and the server takes this media type for both.
    contentType: "application/apply-patch+yaml",
    body: { ...object, metadata },
    doing: `applying ${describeReference(reference)}`,
    reference,
    signal: options?.signal,
  });
  const after = asObject(answer.data, reference);
  return { reference, changed: differs(before, after, parts.fieldManager) };
}

/**
 * An object that says no more than its name, as a Namespace often does. kube-apiserver writes the whole object when
 * such an apply meets one that nobody's fields are recorded of, as it is right after it was made that way: the
 * second apply would not be without a write (seen with v1.36.3).
 */
function isBare({ apiVersion: _, kind: _kind, metadata, ...rest }: KubernetesObject): boolean {
  return [...Object.keys(rest), ...Object.keys(metadata)].every(
    (key) => key === "name" || key === "namespace",
  );
}

/** Whether an apply without a field would take some away. */
function ownsFields(object: KubernetesObject, fieldManager: string): boolean {
  const entries = object.metadata.managedFields;
  return Array.isArray(entries) && entries.some((entry) => entry?.manager === fieldManager);
}

/** A kind whose definition was applied just before may need a moment until discovery shows it. */
async function resolveKind(
  parts: ClientParts,
  object: KubernetesObject,
  own: ReadonlySet<string>,
  signal: AbortSignal | undefined,
): Promise<Resource> {
  const deadline = Date.now() + discoveryLagMs;
  while (own.has(kindKey(object.apiVersion, object.kind)) && Date.now() < deadline) {
    const found = await parts.discovery.find(object, signal);
    if (found) return found;
    await delay(parts.pollIntervalMs, signal);
  }
  return parts.discovery.require(object, signal);
}

function isEarly(object: KubernetesObject): boolean {
  return (
    (object.kind === "Namespace" && object.apiVersion === "v1") ||
    (object.kind === "CustomResourceDefinition" && object.apiVersion.startsWith("apiextensions.k8s.io/"))
  );
}

function definedKind(object: KubernetesObject): string[] {
  if (object.kind !== "CustomResourceDefinition") return [];
  const spec = object.spec as
    | { group?: string; names?: { kind?: string }; versions?: readonly { name?: string }[] }
    | undefined;
  return (spec?.versions ?? []).map(({ name }) => kindKey(`${spec?.group}/${name}`, spec?.names?.kind ?? ""));
}

function kindKey(apiVersion: string, kind: string): string {
  return `${apiVersion} ${kind}`;
}

function requireIdentity(object: KubernetesObject, index: number): void {
  const { apiVersion, kind, metadata } = object ?? {};
  if (typeof apiVersion === "string" && typeof kind === "string" && typeof metadata?.name === "string")
    return;
  throw new KubernetesError(`object ${index + 1} of the apply has no apiVersion, kind or metadata.name`, {
    code: "CONFIG_INVALID",
  });
}

/** Runs a task for each item, some at once; after a failure no further one is started. */
async function eachOf<T>(
  items: readonly T[],
  limit: number,
  task: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  let failed = false;
  const lanes = Array.from({ length: Math.min(limit, items.length) }, async () => {
    while (next < items.length && !failed) {
      try {
        await task(items[next++]!);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  });
  const outcome = await Promise.allSettled(lanes);
  const failure = outcome.find((lane) => lane.status === "rejected");
  if (failure) throw failure.reason;
}

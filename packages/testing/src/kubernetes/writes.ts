import type { Effects } from "../world/effects.js";
import { type ApiObject, type Fields, isFields, sameValue } from "./api-object.js";
import {
  ApiError,
  alreadyExists,
  badRequest,
  forbidden,
  invalid,
  notFound,
  preconditionFailed,
  staleUpdate,
} from "./api-status.js";
import { setDefaults } from "./defaults.js";
import { deleteObject, type Propagation, remove } from "./deletion.js";
import type { ObjectStore } from "./object-store.js";
import { jsonPatch, mergePatch, strategicPatch } from "./patches.js";
import {
  type ApiRequest,
  bodyObject,
  invalidOption,
  isDryRun,
  managerOf,
  requireMediaType,
  type Target,
} from "./request.js";
import { type ResourceType, resourceName } from "./resource-type.js";
import { applyConfiguration, trackUpdate, type Writer } from "./server-side-apply.js";
import { checkIdentity, checkUnknownFields, type FieldValidation, validate } from "./validation.js";
import { callWebhooks } from "./webhooks.js";

/** What the write verbs need. */
export interface WriteParts {
  readonly store: ObjectStore;
  readonly effects: Effects;
  now(): number;
  allocateIp(): string;
}

/** An answer. `warnings` become `Warning` headers. */
export interface ApiAnswer {
  readonly status: number;
  readonly body: unknown;
  readonly warnings?: readonly string[];
}

export async function create(parts: WriteParts, request: ApiRequest, target: Target): Promise<ApiAnswer> {
  const { store } = parts;
  const { type, namespace } = target;
  requireMediaType(request, ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"]);
  const object = bodyObject(request, target);
  if (!object.metadata.name && typeof object.metadata.generateName === "string")
    object.metadata.name = `${object.metadata.generateName}${Math.random().toString(36).slice(2, 7)}`;
  if (!object.metadata.name)
    throw invalid(type, "", [
      {
        field: "metadata.name",
        problem: "Required value: name or generateName is required",
        reason: "FieldValueRequired",
      },
    ]);
  checkIdentity(type, object, namespace, undefined);
  const warnings = checkUnknownFields(type, object, validationMode(request), false);
  requireNamespace(parts, target, object);
  if (type.status) delete object.status;
  delete object.metadata.managedFields;
  finish(parts, target, object, undefined);
  if (store.get(type, namespace, object.metadata.name)) throw alreadyExists(type, object.metadata.name);
  trackUpdate(type, undefined, object, writerOf(parts, request, target));
  return { ...(await persist(parts, request, target, object, undefined)), warnings };
}

export async function replace(parts: WriteParts, request: ApiRequest, target: Target): Promise<ApiAnswer> {
  const object = bodyObject(request, target);
  const name = target.name!;
  checkIdentity(target.type, object, target.namespace, name);
  const live = parts.store.get(target.type, target.namespace, name);
  if (!live) throw notFound(target.type, name);
  if (!object.metadata.resourceVersion && (target.type.custom || conditional.has(target.type.kind)))
    throw unconditional(target.type, name);
  const warnings = checkUnknownFields(target.type, object, validationMode(request), false);
  return { ...(await writeUpdate(parts, request, target, live, object)), warnings };
}

/** Kinds that are replaced only by who says which version he has seen; others take "whatever there is". */
const conditional = new Set([
  ...["APIService", "CustomResourceDefinition", "Lease", "PodDisruptionBudget"],
  ...["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"],
]);

function unconditional(type: ResourceType, name: string): ApiError {
  const message = "Invalid value: 0: must be specified for an update";
  const field = "metadata.resourceVersion";
  return new ApiError(422, "Invalid", `${resourceName(type)} "${name}" is invalid: ${field}: ${message}`, {
    name,
    ...(type.group ? { group: type.group } : {}),
    kind: type.plural,
    causes: [{ reason: "FieldValueInvalid", message, field }],
  });
}

const patchTypes = new Set([
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
  "application/apply-patch+yaml",
]);

export async function patch(parts: WriteParts, request: ApiRequest, target: Target): Promise<ApiAnswer> {
  if (!patchTypes.has(request.contentType))
    throw new ApiError(415, "UnsupportedMediaType", "415: Unsupported Media Type", {});
  if (request.contentType === "application/apply-patch+yaml") return apply(parts, request, target);
  const { type, namespace } = target;
  if (request.contentType === "application/strategic-merge-patch+json" && type.custom)
    requireMediaType(request, ["application/json-patch+json", "application/merge-patch+json"]);
  if (request.query.has("force"))
    throw invalid({ group: "meta.k8s.io", kind: "PatchOptions" }, "", [
      {
        field: "force",
        problem: "Forbidden: may not be specified for non-apply patch",
        reason: "FieldValueForbidden",
      },
    ]);
  const live = parts.store.get(type, namespace, target.name!);
  if (!live) throw notFound(type, target.name!);
  const patched =
    request.contentType === "application/json-patch+json"
      ? jsonPatch(live, request.body)
      : ((request.contentType === "application/merge-patch+json"
          ? mergePatch(live, request.body)
          : strategicPatch(type, live, request.body)) as ApiObject);
  checkIdentity(type, patched, namespace, target.name);
  const warnings = checkUnknownFields(type, patched, validationMode(request), false, patched);
  return { ...(await writeUpdate(parts, request, target, live, patched)), warnings };
}

async function apply(parts: WriteParts, request: ApiRequest, target: Target): Promise<ApiAnswer> {
  const { store } = parts;
  const { type, namespace } = target;
  const object = bodyObject(request, target);
  object.metadata.name ??= target.name!;
  if (object.kind !== type.kind)
    throw badRequest(
      `invalid object type: ${object.apiVersion.includes("/") ? "" : "/"}${object.apiVersion}, Kind=${object.kind}`,
    );
  checkIdentity(type, object, namespace, target.name);
  const manager = request.query.get("fieldManager");
  if (!manager)
    throw invalid({ group: "meta.k8s.io", kind: "PatchOptions" }, "", [
      {
        field: "fieldManager",
        problem: "Required value: is required for apply patch",
        reason: "FieldValueRequired",
      },
    ]);
  if (object.metadata.managedFields !== undefined) throw badRequest("metadata.managedFields must be nil");
  isDryRun(request);
  checkUnknownFields(type, bodyAsGiven(request), "Strict", true);
  const live = store.get(type, namespace, object.metadata.name);
  if (!live) requireNamespace(parts, target, object);
  const wantedVersion = object.metadata.resourceVersion;
  if (wantedVersion !== undefined && live && live.metadata.resourceVersion !== wantedVersion)
    throw staleUpdate(type, object.metadata.name);
  delete object.metadata.resourceVersion;
  const onStatus = target.subresource === "status";
  if (type.status && !onStatus) delete object.status;
  const force = request.query.get("force") === "true";
  const merged = applyConfiguration(type, live, object, writerOf(parts, request, target), force);
  if (live && type.status && !onStatus) restore(merged, live, "status");
  finish(parts, target, merged, live);
  return persist(parts, request, target, merged, live);
}

export async function destroy(parts: WriteParts, request: ApiRequest, target: Target): Promise<ApiAnswer> {
  const { store } = parts;
  const { type, namespace } = target;
  const name = target.name!;
  const policy = request.query.get("propagationPolicy");
  if (policy !== null && !["Background", "Foreground", "Orphan"].includes(policy))
    throw invalidOption(request, "propagationPolicy", JSON.stringify(policy), [
      '"Foreground"',
      '"Background"',
      '"Orphan"',
      '"nil"',
    ]);
  const live = store.get(type, namespace, name);
  if (!live) throw notFound(type, name);
  const options = isFields(request.body) ? request.body : {};
  checkPreconditions(target, live, options);
  callWebhooks(store, type, "DELETE");
  if (isDryRun(request)) return { status: 200, body: live };
  if (
    type.kind === "Namespace" &&
    ["default", "kube-system", "kube-public", "kube-node-lease"].includes(name)
  )
    throw forbidden(`namespaces "${name}" is forbidden: this namespace may not be deleted`, type, name);
  const propagation = (request.query.get("propagationPolicy") ?? options.propagationPolicy) as
    | Propagation
    | undefined;
  const marked = live.metadata.deletionTimestamp !== undefined;
  deleteObject(store, live, parts.now(), propagation ?? "Background");
  if (!marked) await parts.effects.record(effect("delete", live));
  const left = store.get(type, namespace, name);
  if (left) return { status: 200, body: left };
  if (returnsDeleted.has(type.kind)) return { status: 200, body: live };
  return {
    status: 200,
    body: {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Success",
      details: {
        name,
        ...(type.group ? { group: type.group } : {}),
        kind: type.plural,
        uid: live.metadata.uid,
      },
    },
  };
}

/** Kinds whose last state is the answer to their deletion; the others answer with a Status. */
const returnsDeleted = new Set([
  ...["CSIDriver", "CSINode", "PersistentVolume", "PersistentVolumeClaim", "ResourceQuota", "Service"],
  ...["ServiceAccount", "StorageClass", "VolumeAttachment"],
]);

/** Refuses a delete whose `preconditions` name another object than the one that is there. */
export function checkPreconditions(target: Target, live: ApiObject, options: Fields): void {
  const preconditions = isFields(options.preconditions) ? options.preconditions : {};
  const { uid, resourceVersion } = preconditions;
  if (typeof uid === "string" && uid !== live.metadata.uid)
    throw preconditionFailed(target.type, live.metadata.name, "UID", uid, live.metadata.uid ?? "");
  const found = live.metadata.resourceVersion ?? "";
  if (typeof resourceVersion === "string" && resourceVersion !== found)
    throw preconditionFailed(target.type, live.metadata.name, "ResourceVersion", resourceVersion, found);
}

async function writeUpdate(
  parts: WriteParts,
  request: ApiRequest,
  target: Target,
  live: ApiObject,
  wanted: ApiObject,
): Promise<ApiAnswer> {
  const { type } = target;
  const version = wanted.metadata.resourceVersion;
  if (version !== undefined && version !== "" && version !== live.metadata.resourceVersion)
    throw staleUpdate(type, live.metadata.name);
  const object = structuredClone(wanted);
  const { deletionTimestamp } = live.metadata;
  if (target.subresource === "status") {
    for (const field of Object.keys(object)) {
      if (field !== "status" && field !== "metadata") restore(object, live, field);
    }
    object.metadata = structuredClone(live.metadata);
  } else if (type.status) restore(object, live, "status");
  if (deletionTimestamp !== undefined) object.metadata.deletionTimestamp = deletionTimestamp;
  finish(parts, target, object, live);
  trackUpdate(type, live, object, writerOf(parts, request, target));
  return persist(parts, request, target, object, live);
}

function restore(object: ApiObject, live: ApiObject, field: string): void {
  if (live[field] === undefined) delete object[field];
  else object[field] = structuredClone(live[field]);
}

/** Defaults, validation and admission: the same for every way to write. */
function finish(parts: WriteParts, target: Target, object: ApiObject, live: ApiObject | undefined): void {
  setDefaults(object, live, parts.allocateIp);
  validate(target.type, object, live);
  if (live && sameValue({ ...object, metadata: undefined }, { ...live, metadata: undefined })) return;
  callWebhooks(parts.store, target.type, live ? "UPDATE" : "CREATE");
}

async function persist(
  parts: WriteParts,
  request: ApiRequest,
  target: Target,
  object: ApiObject,
  live: ApiObject | undefined,
): Promise<ApiAnswer> {
  if (isDryRun(request)) return { status: live ? 200 : 201, body: live ? object : parts.store.stamp(object) };
  if (!live) {
    const created = parts.store.create(object);
    await parts.effects.record(effect("create", created));
    return { status: 201, body: created };
  }
  const { object: stored, changed } = parts.store.update(object);
  if (changed) {
    // The last finalizer of an object that is being deleted was taken off.
    const { deletionTimestamp, finalizers = [] } = stored.metadata;
    if (deletionTimestamp !== undefined && finalizers.length === 0 && target.type.kind !== "Pod")
      remove(parts.store, stored, parts.now());
    await parts.effects.record(effect("update", stored));
  }
  return { status: 200, body: stored };
}

function requireNamespace(parts: WriteParts, target: Target, object: ApiObject): void {
  if (!target.type.namespaced) return;
  const name = target.namespace!;
  const namespaceType = parts.store.type("v1", "Namespace")!;
  const namespace = parts.store.get(namespaceType, undefined, name);
  if (!namespace) throw notFound(namespaceType, name);
  if (namespace.metadata.deletionTimestamp === undefined) return;
  const message = `unable to create new content in namespace ${name} because it is being terminated`;
  throw new ApiError(
    403,
    "Forbidden",
    `${resourceName(target.type)} "${object.metadata.name}" is forbidden: ${message}`,
    {
      name: object.metadata.name,
      kind: target.type.plural,
      causes: [
        {
          reason: "NamespaceTerminating",
          message: `namespace ${name} is being terminated`,
          field: "metadata.namespace",
        },
      ],
    },
  );
}

/** Messages of server-side apply name an object as it was given, without what the path says of it. */
function bodyAsGiven(request: ApiRequest): ApiObject {
  return request.body as ApiObject;
}

function writerOf(parts: WriteParts, request: ApiRequest, target: Target): Writer {
  return {
    manager: managerOf(request),
    now: parts.now(),
    ...(target.subresource === undefined ? {} : { subresource: target.subresource }),
  };
}

function validationMode(request: ApiRequest): FieldValidation {
  const mode = request.query.get("fieldValidation") ?? "Warn";
  if (mode !== "Ignore" && mode !== "Warn" && mode !== "Strict")
    throw invalidOption(request, "fieldValidation", JSON.stringify(mode), [
      '""',
      '"Ignore"',
      '"Strict"',
      '"Warn"',
    ]);
  return mode;
}

function effect(action: "create" | "update" | "delete", object: ApiObject) {
  const { name, namespace } = object.metadata;
  return {
    service: "kubernetes",
    kind: "object",
    action,
    name: `${object.kind} ${namespace === undefined ? name : `${namespace}/${name}`}`,
  } as const;
}

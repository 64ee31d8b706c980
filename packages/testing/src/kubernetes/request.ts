import { type ApiObject, type Fields, isFields } from "./api-object.js";
import { type ApiError, badRequest, invalid, unsupportedMediaType } from "./api-status.js";
import type { ObjectStore } from "./object-store.js";
import { apiVersionOf, type ResourceType } from "./resource-type.js";

/** Who asks. */
export interface RequestUser {
  readonly name: string;
  readonly groups: readonly string[];
}

/** A request after its body was read. */
export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** Media type without parameters. */
  readonly contentType: string;
  readonly userAgent: string;
  /** Parsed JSON or YAML; `undefined` without a body. */
  readonly body: unknown;
  readonly user: RequestUser;
}

/** Where a path leads. */
export interface Target {
  readonly type: ResourceType;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}

/** Reads a resource path; `undefined` when nothing is served there. */
export function parseTarget(store: ObjectStore, path: string): Target | undefined {
  const parts = path.split("/").filter(Boolean).map(decodeURIComponent);
  const root = parts.shift();
  if (root !== "api" && root !== "apis") return undefined;
  const apiVersion = root === "api" ? parts.shift() : `${parts.shift()}/${parts.shift()}`;
  let namespace: string | undefined;
  // `/namespaces/x/status` is the Namespace's own subresource, `/namespaces/x/pods` is in it.
  if (parts[0] === "namespaces" && parts.length > 2 && parts[2] !== "status" && parts[2] !== "finalize") {
    parts.shift();
    namespace = parts.shift();
  }
  const [plural, name, subresource, ...rest] = parts;
  const type = store.types().find((one) => apiVersionOf(one) === apiVersion && one.plural === plural);
  if (!type || rest.length > 0 || (namespace !== undefined && !type.namespaced)) return undefined;
  if (type.namespaced && name !== undefined && namespace === undefined) return undefined;
  const known = type.subresources.includes(subresource ?? "") || (subresource === "status" && type.status);
  if (subresource !== undefined && !known) return undefined;
  return { type, namespace, name, subresource };
}

/** Name of the writer: `?fieldManager=`, or the program of the user agent. */
export function managerOf(request: ApiRequest): string {
  return request.query.get("fieldManager") || request.userAgent.split("/")[0] || "unknown";
}

export function isDryRun(request: ApiRequest): boolean {
  const value = request.query.get("dryRun");
  if (value !== null && value !== "All")
    throw invalidOption(request, "dryRun", `[${JSON.stringify(value)}]`, ['"All"']);
  return value === "All";
}

const optionsOf: Readonly<Record<string, string>> = {
  POST: "CreateOptions",
  PUT: "UpdateOptions",
  PATCH: "PatchOptions",
  DELETE: "DeleteOptions",
};

/** A query parameter with a value that is none of those allowed. */
export function invalidOption(
  request: ApiRequest,
  field: string,
  shown: string,
  supported: readonly string[],
): ApiError {
  const kind = optionsOf[request.method] ?? "ListOptions";
  const problem = `Unsupported value: ${shown}: supported values: ${supported.join(", ")}`;
  return invalid({ group: "meta.k8s.io", kind }, "", [{ field, problem, reason: "FieldValueNotSupported" }]);
}

/** A body that is not JSON or YAML, with what the parser said. */
export class BrokenBody {
  constructor(readonly problem: string) {}
}

/** The body as an object for this target, with the namespace of the path filled in. */
export function bodyObject(request: ApiRequest, target: Target): ApiObject {
  const { body } = request;
  const { type } = target;
  if (body instanceof BrokenBody || typeof body === "string")
    throw badRequest(
      `the object provided is unrecognized (must be of type ${type.kind}): couldn't get version/kind; json parse error: ${body instanceof BrokenBody ? body.problem : "not an object"}`,
    );
  if (!isFields(body) || !isFields(body.metadata ?? {}))
    throw badRequest(
      `the object provided is unrecognized (must be of type ${type.kind}): couldn't get version/kind`,
    );
  // What the path says already need not be said again.
  const object = { apiVersion: apiVersionOf(type), kind: type.kind, ...structuredClone(body) } as ApiObject;
  object.metadata = { ...(object.metadata as Fields | undefined) } as ApiObject["metadata"];
  if (target.type.namespaced && target.namespace !== undefined)
    object.metadata.namespace ??= target.namespace;
  return object;
}

/** Refuses a media type that a verb does not take. */
export function requireMediaType(request: ApiRequest, accepted: readonly string[]): void {
  if (!accepted.includes(request.contentType)) throw unsupportedMediaType(accepted);
}

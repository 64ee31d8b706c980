import { kindName, type ResourceType, resourceName } from "./resource-type.js";

/** One entry of a Status' `details.causes`. */
export interface StatusCause {
  readonly reason?: string;
  readonly message?: string;
  readonly field?: string;
}

/** A refusal; becomes a `Status` (meta/v1) with the texts that kube-apiserver writes. */
export class ApiError extends Error {
  constructor(
    readonly code: number,
    readonly reason: string,
    message: string,
    readonly details?: Readonly<Record<string, unknown>>,
    readonly headers?: Readonly<Record<string, string>>,
  ) {
    super(message);
  }

  body(): Record<string, unknown> {
    return {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message: this.message,
      ...(this.reason ? { reason: this.reason } : {}),
      ...(this.details ? { details: this.details } : {}),
      code: this.code,
    };
  }
}

function detailsOf(type: ResourceType, name: string): Record<string, unknown> {
  return { name, ...(type.group ? { group: type.group } : {}), kind: type.plural };
}

export function notFound(type: ResourceType, name: string): ApiError {
  return new ApiError(404, "NotFound", `${resourceName(type)} "${name}" not found`, detailsOf(type, name));
}

/** A resource that a group which is served does not have. */
export function noSuchResource(): ApiError {
  return new ApiError(404, "NotFound", "the server could not find the requested resource", {});
}

export function alreadyExists(type: ResourceType, name: string): ApiError {
  const message = `${resourceName(type)} "${name}" already exists`;
  return new ApiError(409, "AlreadyExists", message, detailsOf(type, name));
}

export function staleUpdate(type: ResourceType, name: string): ApiError {
  const message = `Operation cannot be fulfilled on ${resourceName(type)} "${name}": the object has been modified; please apply your changes to the latest version and try again`;
  return new ApiError(409, "Conflict", message, detailsOf(type, name));
}

/** The object is another one, or another version of it, than a delete was meant for. */
export function preconditionFailed(
  type: ResourceType,
  name: string,
  what: "UID" | "ResourceVersion",
  wanted: string,
  found: string,
): ApiError {
  const message = `Operation cannot be fulfilled on ${kindName(type)} "${name}": the ${what} in the precondition (${wanted}) does not match the ${what} in record (${found}). The object might have been ${what === "UID" ? "deleted and then recreated" : "modified"}`;
  return new ApiError(409, "Conflict", message, { ...detailsOf(type, name), kind: type.kind });
}

export function badRequest(message: string): ApiError {
  return new ApiError(400, "BadRequest", message);
}

/** A JSON patch that cannot be applied; kube-apiserver does not say which operation it was. */
export function unprocessable(): ApiError {
  return new ApiError(422, "Invalid", "the server rejected our request due to an error in our request", {});
}

/** A value that is not allowed, with the field it stands in. */
export interface InvalidField {
  readonly field: string;
  /** As validation writes it: `Required value`, `Invalid value: "x": must be …`. */
  readonly problem: string;
  readonly reason:
    | "FieldValueRequired"
    | "FieldValueInvalid"
    | "FieldValueForbidden"
    | "FieldValueNotSupported";
}

export function invalid(
  type: Pick<ResourceType, "group" | "kind">,
  name: string,
  wrong: readonly InvalidField[],
): ApiError {
  const texts = wrong.map(({ field, problem }) => `${field}: ${problem}`);
  const list = texts.length === 1 ? texts[0] : `[${texts.join(", ")}]`;
  const causes: StatusCause[] = wrong.map(({ field, problem, reason }) => ({
    reason,
    message: problem,
    field,
  }));
  return new ApiError(422, "Invalid", `${kindName(type)} "${name}" is invalid: ${list}`, {
    ...(name ? { name } : {}),
    ...(type.group ? { group: type.group } : {}),
    kind: type.kind,
    causes,
  });
}

export function forbidden(message: string, type?: ResourceType, name?: string): ApiError {
  return new ApiError(403, "Forbidden", message, type ? detailsOf(type, name ?? "") : {});
}

export function unauthorized(): ApiError {
  return new ApiError(401, "Unauthorized", "Unauthorized");
}

export function webhookUnavailable(webhook: string, reason: string): ApiError {
  const message = `failed calling webhook "${webhook}": failed to call webhook: ${reason}`;
  return new ApiError(500, "InternalError", `Internal error occurred: ${message}`, { causes: [{ message }] });
}

/** The budget has no room for another eviction; as the eviction subresource writes it. */
export function budgetExhausted(budget: string, healthy: number, needed: number): ApiError {
  const cause = `The disruption budget ${budget} needs ${needed} healthy pods and has ${healthy} currently`;
  return new ApiError(
    429,
    "TooManyRequests",
    "Cannot evict pod as it would violate the pod's disruption budget.",
    {
      causes: [{ reason: "DisruptionBudget", message: cause }],
    },
  );
}

/** A field that server-side apply does not know: a 500 without a reason (kubernetes/kubernetes#139253). */
export function untypedPatch(object: string, problem: string): ApiError {
  return new ApiError(500, "", `failed to create typed patch object (${object}): ${problem}`);
}

/** What a create or replace does not take. */
export function unsupportedMediaType(accepted: readonly string[]): ApiError {
  return new ApiError(
    415,
    "UnsupportedMediaType",
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(", ")}`,
  );
}

export function methodNotAllowed(): ApiError {
  return new ApiError(
    405,
    "MethodNotAllowed",
    "the server does not allow this method on the requested resource",
    {},
  );
}

export function expired(message: string): ApiError {
  return new ApiError(410, "Expired", message);
}

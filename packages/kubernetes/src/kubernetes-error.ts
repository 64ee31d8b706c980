import type { ObjectReference } from "./types.js";

// The first brand is ours. The second is the one that @multicloud/core gives its errors: an error of this
// package has the same members, so core recognises it without this package depending on core.
const brand = Symbol.for("multicloud.kubernetes-error");
const coreBrand = Symbol.for("multicloud.error");

/** What went wrong, coarsely; a subset of the error codes of `@multicloud/core`. */
export type KubernetesErrorCode =
  | "CONFIG_INVALID"
  | "AUTH_FAILED"
  | "FORBIDDEN"
  | "NOT_FOUND"
  | "CONFLICT"
  | "RATE_LIMITED"
  | "SERVICE_UNREACHABLE"
  | "SERVICE_ANSWER"
  | "TIMEOUT"
  | "KUBERNETES_FAILED";

/** One cause of a refusal: for a conflict the manager and the field it owns, for an invalid object the field. */
export interface KubernetesErrorCause {
  /** Kubernetes' reason, for example `FieldManagerConflict` or `FieldValueInvalid`. */
  readonly reason?: string;
  /** Path of the field, for example `.spec.replicas`. */
  readonly field?: string;
  readonly message?: string;
  /** Owner of the field, for a conflict. */
  readonly manager?: string;
}

/** What a {@link KubernetesError} can say besides its message. */
export interface KubernetesErrorDetails {
  readonly code: KubernetesErrorCode;
  /** HTTP status, when the API server answered. */
  readonly status?: number | undefined;
  /** `reason` of the API server's Status, for example `AlreadyExists`. */
  readonly reason?: string | undefined;
  readonly reference?: ObjectReference | undefined;
  readonly causes?: readonly KubernetesErrorCause[] | undefined;
  /** What to try. */
  readonly hint?: string | undefined;
  /** The API server's audit id of the request. */
  readonly requestId?: string | undefined;
  readonly cause?: unknown;
}

/** The error of this package. Tell kinds apart by `code`, `status` and `reason`, never by message. */
export class KubernetesError extends Error {
  readonly code: KubernetesErrorCode;
  readonly service = "kubernetes";
  readonly site: undefined;
  readonly node: string | undefined;
  readonly status: number | undefined;
  readonly reason: string | undefined;
  readonly reference: ObjectReference | undefined;
  readonly causes: readonly KubernetesErrorCause[];
  readonly hint: string | undefined;
  readonly requestId: string | undefined;

  constructor(message: string, details: KubernetesErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = "KubernetesError";
    Object.defineProperty(this, brand, { value: true });
    Object.defineProperty(this, coreBrand, { value: true });
    this.code = details.code;
    this.node = details.reference?.kind === "Node" ? details.reference.name : undefined;
    this.status = details.status;
    this.reason = details.reason;
    this.reference = details.reference;
    this.causes = details.causes ?? [];
    this.hint = details.hint;
    this.requestId = details.requestId;
  }

  /** True for errors of this package, also those made by another copy of it. */
  static isInstance(value: unknown): value is KubernetesError {
    return typeof value === "object" && value !== null && (value as Record<symbol, unknown>)[brand] === true;
  }

  /** Plain data for a JSON log; `cause` as its message. */
  toJSON(): Record<string, unknown> {
    const { code, service, node, status, reason, reference, causes, hint, requestId, message } = this;
    const cause = this.cause instanceof Error ? this.cause.message : undefined;
    return {
      name: this.name,
      code,
      message,
      service,
      node,
      status,
      reason,
      reference,
      causes,
      hint,
      requestId,
      cause,
    };
  }
}

/** An object as people write it: `Deployment cert-manager/cert-manager-webhook`. */
export function describeReference(reference: ObjectReference): string {
  const name = reference.namespace ? `${reference.namespace}/${reference.name}` : reference.name;
  return `${reference.kind} ${name}`;
}

import {
  describeReference,
  KubernetesError,
  type KubernetesErrorCause,
  type KubernetesErrorCode,
} from "../kubernetes-error.js";
import type { Answer, Call } from "./transport.js";

/** The part of a `Status` (meta/v1) that says why something was refused. */
interface Status {
  readonly message?: string;
  readonly reason?: string;
  readonly details?: {
    readonly causes?: readonly {
      readonly reason?: string;
      readonly message?: string;
      readonly field?: string;
    }[];
    readonly retryAfterSeconds?: number;
  };
}

/** The error for an answer of the API server that refuses. */
export function refusal(call: Call, answer: Answer): KubernetesError {
  const status = (typeof answer.data === "object" && answer.data !== null ? answer.data : {}) as Status;
  const causes = (status.details?.causes ?? []).map(readCause);
  const said = status.message ?? (typeof answer.data === "string" ? answer.data.trim().slice(0, 300) : "");
  const requestId = answer.headers["audit-id"];
  return new KubernetesError(
    `${call.doing}: the API server answered ${answer.status}${said && `: ${said}`}`,
    {
      code: codeOf(answer.status, causes),
      status: answer.status,
      reason: status.reason || undefined,
      reference: call.reference,
      causes,
      hint: hintOf(call, answer.status, causes),
      requestId: typeof requestId === "string" ? requestId : undefined,
    },
  );
}

/** The error for a request that got no answer. */
export function unreachable(call: Call, url: URL, error: unknown, timeoutMs: number): KubernetesError {
  const said = error instanceof Error ? error.message : String(error);
  const timedOut = error instanceof Error && error.name === "TimeoutError";
  const untrusted = isCertificateProblem(error);
  const reason = timedOut ? `no answer within ${timeoutMs / 1000} s` : said;
  return new KubernetesError(`${call.doing}: no answer from the API server at ${url.origin}: ${reason}`, {
    code: untrusted ? "AUTH_FAILED" : "SERVICE_UNREACHABLE",
    reference: call.reference,
    hint: untrusted
      ? "the API server's certificate does not fit the kubeconfig; fetch the kubeconfig again, or set tls-server-name"
      : `check that ${url.host} can be reached from here and that kube-apiserver runs`,
    cause: error,
  });
}

/**
 * Whether the same request may work a moment later. A 500 without a reason is a schema error of
 * server-side apply (kubernetes/kubernetes#139253), which never goes away by itself.
 */
export function isTransient(error: KubernetesError): boolean {
  const { status, reason } = error;
  if (status === 429) return true;
  if (status === 500) return reason === "InternalError" || reason === "ServerTimeout";
  return status === 502 || status === 503 || status === 504;
}

function readCause(cause: {
  readonly reason?: string;
  readonly message?: string;
  readonly field?: string;
}): KubernetesErrorCause {
  const manager = /^conflict with "([^"]+)"/.exec(cause.message ?? "")?.[1];
  return { ...cause, ...(manager === undefined ? {} : { manager }) };
}

function codeOf(status: number, causes: readonly KubernetesErrorCause[]): KubernetesErrorCode {
  if (causes.some((cause) => cause.manager !== undefined)) return "CONFLICT";
  if (status === 401) return "AUTH_FAILED";
  if (status === 403) return "FORBIDDEN";
  if (status === 404) return "NOT_FOUND";
  if (status === 409) return "CONFLICT";
  if (status === 429) return "RATE_LIMITED";
  return "KUBERNETES_FAILED";
}

function hintOf(call: Call, status: number, causes: readonly KubernetesErrorCause[]): string | undefined {
  const owned = causes.filter((cause) => cause.manager !== undefined);
  if (owned.length > 0) {
    const fields = owned.map((cause) => `${cause.field} (${cause.manager})`).join(", ");
    return `remove these fields from what is applied, or apply with force to take them over: ${fields}`;
  }
  if (status === 401) return "the credentials of the kubeconfig are not, or no longer, accepted";
  if (status === 403) return "the kubeconfig's user lacks this right; use one of group system:masters";
  if (status === 404 && call.reference?.namespace)
    return `check that namespace ${call.reference.namespace} exists for ${describeReference(call.reference)}`;
  return undefined;
}

function isCertificateProblem(error: unknown): boolean {
  const code = (error as { code?: string } | undefined)?.code ?? "";
  return (
    /^(CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|ERR_TLS_CERT|CRL_)/.test(code) ||
    (error instanceof Error && /self-signed certificate|certificate has expired/.test(error.message))
  );
}

import { type ErrorCode, MulticloudError, redact } from "@multicloud/core/plugin";

const permissions =
  "the token needs the permissions Zone:Read and DNS:Edit for this zone; the template “Edit zone DNS” alone lacks Zone:Read (https://dash.cloudflare.com/profile/api-tokens)";
const wrongToken = `check the token (option token or CLOUDFLARE_API_TOKEN): it is wrong or expired, or lacks a permission; ${permissions}`;
const authCodes = [1000, 6003, 6111, 9106, 9109, 10000, 10001];
const conflictCodes = [81053, 81054, 81056, 81057, 81058];
const missingCodes = [7000, 7003, 81044];

/** What an error of the `cloudflare` package carries, whatever its class. */
interface ApiFailure {
  readonly status?: number;
  readonly headers?: Pick<Headers, "get">;
  readonly errors?: readonly {
    readonly code?: number;
    readonly message?: string;
    readonly error_chain?: readonly { readonly code?: number; readonly message?: string }[];
  }[];
}

/** All of Cloudflare's codes in an error, those of the chains too. */
function codesOf(error: unknown): readonly number[] {
  const { errors } = (error ?? {}) as ApiFailure;
  if (!Array.isArray(errors)) return [];
  return (errors as NonNullable<ApiFailure["errors"]>)
    .flatMap((each) => [each, ...(each?.error_chain ?? [])])
    .map((each) => each?.code)
    .filter((code) => typeof code === "number");
}

/** What `Retry-After` says (RFC 9110 §10.2.3), in milliseconds; `undefined` when it says nothing. */
export function retryAfter(headers: Pick<Headers, "get"> | undefined): number | undefined {
  const after = headers?.get("retry-after")?.trim();
  if (!after) return undefined;
  if (/^\d+$/.test(after)) return Number(after) * 1000;
  const date = Date.parse(after);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}

/** An error of the `cloudflare` package as the SDK's own: what was asked, what was answered, what to try. */
export function toMulticloudError(
  error: unknown,
  doing: string,
  origin: string,
  token: string,
): MulticloudError {
  const { status, headers, errors } = (error ?? {}) as ApiFailure;
  const requestId = headers?.get("cf-ray") ?? undefined;
  if (status === undefined) {
    // The package's own message says nothing; the reason is at the end of the causes.
    const reasons: string[] = [];
    for (let at: unknown = error; at instanceof Error; at = at.cause) reasons.push(at.message);
    const reason = redact(reasons.slice(-2).join(": "), [token]);
    return new MulticloudError(`no answer from Cloudflare while ${doing}: ${reason}`, {
      code: "SERVICE_UNREACHABLE",
      service: "cloudflare",
      hint: `check that ${origin} can be reached from here`,
      cause: error,
    });
  }
  const said = (Array.isArray(errors) ? (errors as NonNullable<ApiFailure["errors"]>) : [])
    .flatMap((each) => [each, ...(each?.error_chain ?? [])])
    .map((each) => `${each?.message} (${each?.code})`)
    .join("; ");
  const { code, hint } = kindOf(status, codesOf(error));
  const message = `Cloudflare answered ${status} while ${doing}${said ? `: ${said}` : ""}`;
  return new MulticloudError(redact(message, [token]), {
    code,
    hint,
    status,
    requestId,
    service: "cloudflare",
    retryAfterMs: retryAfter(headers),
  });
}

/** How a transaction ended when it is not known, or when the records were not as they had been read. */
export interface Unsettled {
  readonly outcome: "unknown" | "stale";
  readonly error: MulticloudError;
}

/** What the failure of a transaction says about its end; throws what says that it did not happen. */
export function unsettled(raw: unknown, error: MulticloudError): Unsettled {
  if (codesOf(raw).some((code) => [81044, 81057, 81058].includes(code))) return { outcome: "stale", error };
  if (["SERVICE_UNREACHABLE", "SERVICE_FAILED"].includes(error.code)) return { outcome: "unknown", error };
  throw error;
}

function kindOf(status: number, codes: readonly number[]): { code: ErrorCode; hint?: string } {
  const has = (some: readonly number[]) => codes.some((code) => some.includes(code));
  if (status === 429)
    return { code: "RATE_LIMITED", hint: "all tokens of a user share 1,200 calls in five minutes" };
  if (status >= 500) return { code: "SERVICE_FAILED" };
  if (status === 401 || has(authCodes)) return { code: "AUTH_FAILED", hint: wrongToken };
  if (status === 403) return { code: "FORBIDDEN", hint: permissions };
  if (has(conflictCodes) || status === 409) return { code: "CONFLICT" };
  if (status === 404 || has(missingCodes)) return { code: "NOT_FOUND" };
  return { code: "REQUEST_REFUSED" };
}

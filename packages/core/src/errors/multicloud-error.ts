import type { Problem } from "../contracts/context.js";
import type { ErrorCode } from "./codes.js";

// Registered symbols are shared by all copies of this package in a process, so `isInstance` recognises
// errors across package copies where `instanceof` cannot.
const marker = Symbol.for("multicloud.error");

/** What an error can say besides its message. All of it is safe to log. */
export interface ErrorDetails {
  /** Stable and documented; see {@link ErrorCode}. */
  readonly code: ErrorCode;
  readonly site?: string | undefined;
  readonly node?: string | undefined;
  /** The service that answered, for example `nova` or `digitalocean`. */
  readonly service?: string | undefined;
  /** HTTP status, when a service answered. */
  readonly status?: number | undefined;
  /** The service's id of the request, for its support. */
  readonly requestId?: string | undefined;
  /** What to try. */
  readonly hint?: string | undefined;
  /** Milliseconds after which the service asked to be called again (`Retry-After`). */
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

/**
 * The one error of this SDK. Tell kinds apart by `code`, never by message. `cause` keeps what was
 * underneath.
 */
export class MulticloudError extends Error {
  readonly code: ErrorCode;
  readonly site: string | undefined;
  readonly node: string | undefined;
  readonly service: string | undefined;
  readonly status: number | undefined;
  readonly requestId: string | undefined;
  readonly hint: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(message: string, details: ErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = "MulticloudError";
    Object.defineProperty(this, marker, { value: true });
    this.code = details.code;
    this.site = details.site;
    this.node = details.node;
    this.service = details.service;
    this.status = details.status;
    this.requestId = details.requestId;
    this.hint = details.hint;
    this.retryAfterMs = details.retryAfterMs;
  }

  /** True for errors of this SDK, also those made by another copy of the package. */
  static isInstance(value: unknown): value is MulticloudError {
    return typeof value === "object" && value !== null && (value as Record<symbol, unknown>)[marker] === true;
  }

  /** Plain data for a JSON log; `cause` as its message. */
  toJSON(): Record<string, unknown> {
    const { code, site, node, service, status, requestId, hint, message } = this;
    const cause = this.cause instanceof Error ? this.cause.message : undefined;
    return { name: this.name, code, message, site, node, service, status, requestId, hint, cause };
  }
}

/** The configuration (or what the services say of it) is wrong; lists every problem found, not just the first. Nothing was changed. */
export class ValidationError extends MulticloudError {
  readonly problems: readonly Problem[];

  /** @param details of the error behind the problem, when there is only one */
  constructor(problems: readonly Problem[], details: Partial<ErrorDetails> = {}) {
    const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
    const codes = new Set(problems.map(({ code = "CONFIG_INVALID" }) => code));
    const [code = "CONFIG_INVALID"] = codes.size === 1 ? codes : [];
    super(`${count} found, nothing was changed\n${problems.map(formatProblem).join("\n")}`, {
      ...details,
      // It stands beside its problem.
      hint: undefined,
      code,
    });
    this.name = "ValidationError";
    this.problems = problems;
  }

  override toJSON(): Record<string, unknown> {
    return { ...super.toJSON(), problems: this.problems };
  }
}

/** One problem as text: path, what is wrong, what was given, what is allowed, what to try. */
export function formatProblem(problem: Problem): string {
  const parts = [`  ${problem.path || "(root)"}: ${problem.message}`];
  const { given } = problem;
  const isSaid = given !== undefined && given.length > 2 && problem.message.includes(given);
  if (given !== undefined && !isSaid) parts.push(`given: ${given}`);
  if (problem.suggestion !== undefined) parts.push(`did you mean ${problem.suggestion}?`);
  if (problem.allowed?.length) parts.push(`allowed: ${shortened(problem.allowed)}`);
  return parts.join("; ") + (problem.hint ? `\n    ${problem.hint}` : "");
}

function shortened(values: readonly string[]): string {
  return values.length > 12 ? `${values.slice(0, 12).join(", ")}, … (${values.length})` : values.join(", ");
}

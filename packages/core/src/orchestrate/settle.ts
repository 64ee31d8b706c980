import { MulticloudError } from "../errors/multicloud-error.js";
import { toMulticloudError } from "../run/run.js";

/** Several parts of a run failed; `errors` has each. The others were finished first, so a later run goes on from there. */
export class RunError extends MulticloudError {
  readonly errors: readonly MulticloudError[];

  constructor(errors: readonly MulticloudError[]) {
    const lines = errors.map(
      (error) => `  ${[error.node ?? error.site, error.message].filter(Boolean).join(": ")}`,
    );
    super(`${errors.length} parts of the run failed\n${lines.join("\n")}`, {
      code: "RUN_FAILED",
      hint: "what succeeded is kept: mend the cause and run again",
    });
    this.name = "RunError";
    this.errors = errors;
  }

  override toJSON(): Record<string, unknown> {
    return { ...super.toJSON(), errors: this.errors };
  }
}

/**
 * Waits for all, also when some fail, and then rejects: with the error itself when there is one cause, with
 * a {@link RunError} otherwise. Work that is cut off half-way by somebody else's failure would only have to
 * be done again.
 */
export async function settle<T>(work: readonly Promise<T>[], signal: AbortSignal): Promise<T[]> {
  const results = await Promise.allSettled(work);
  if (signal.aborted) throw signal.reason;
  const errors = [
    ...new Set(
      results.flatMap((result) => (result.status === "rejected" ? [toMulticloudError(result.reason)] : [])),
    ),
  ];
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw new RunError(errors);
  return results.map((result) => (result as PromiseFulfilledResult<T>).value);
}

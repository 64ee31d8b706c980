import { MulticloudError } from "../errors/multicloud-error.js";
import { toMulticloudError } from "../run/run.js";

/** Several parts of a run failed; `errors` has each. The others were finished first, so a later run goes on from there. */
export class RunError extends MulticloudError {
  readonly errors: readonly MulticloudError[];

  constructor(errors: readonly MulticloudError[]) {
    super(`${errors.length} parts of the run failed\n${errors.map(lineOf).join("\n")}`, {
      code: "RUN_FAILED",
      hint: "what succeeded is kept: mend the causes and run again",
    });
    this.name = "RunError";
    this.errors = errors;
  }

  override toJSON(): Record<string, unknown> {
    return { ...super.toJSON(), errors: this.errors };
  }
}

function lineOf({ node, site, message, hint }: MulticloudError): string {
  const where = node ?? site;
  const line = where === undefined || message.includes(where) ? message : `${where}: ${message}`;
  return hint === undefined ? `  ${line}` : `  ${line}\n    ${hint}`;
}

/**
 * Waits for all, also when some fail, and then rejects: with the error itself when there is one cause, with
 * a {@link RunError} otherwise. Work that is cut off half-way by somebody else's failure would only have to
 * be done again.
 */
export async function settle<T>(work: readonly Promise<T>[], signal: AbortSignal): Promise<T[]> {
  const results = await Promise.allSettled(work);
  if (signal.aborted) throw signal.reason;
  const errors = results.flatMap((result) =>
    result.status === "rejected" ? partsOf(toMulticloudError(result.reason)) : [],
  );
  const causes = byCause(errors);
  if (causes.length > 1) throw new RunError(causes);
  for (const cause of causes) throw cause;
  return results.map((result) => (result as PromiseFulfilledResult<T>).value);
}

function partsOf(error: MulticloudError): readonly MulticloudError[] {
  return error instanceof RunError ? error.errors : [error];
}

/** One error for each cause: what stops all nodes of a site in the same way is told once. */
function byCause(errors: readonly MulticloudError[]): MulticloudError[] {
  const groups = new Map<string, MulticloudError[]>();
  for (const error of new Set(errors)) {
    const key = JSON.stringify([error.code, error.site, error.message]);
    groups.set(key, [...(groups.get(key) ?? []), error]);
  }
  return [...groups.values()].map((group) => {
    const [first] = group as [MulticloudError];
    if (group.length === 1) return first;
    const { code, site, service, status, requestId, hint, message } = first;
    const nodes = group.flatMap(({ node }) => node ?? []);
    const concerns = nodes.length > 0 ? ` (${nodes.join(", ")})` : "";
    return new MulticloudError(`${message}${concerns}`, {
      code,
      site,
      service,
      status,
      requestId,
      hint,
      cause: first,
    });
  });
}

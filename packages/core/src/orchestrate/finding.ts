import type { CheckResult, Problem } from "../contracts/context.js";
import { type ErrorDetails, ValidationError } from "../errors/multicloud-error.js";
import { toMulticloudError } from "../run/run.js";

/** What one of the checks before the first effect found. */
export interface Finding extends CheckResult {
  /** What was behind a problem, told with the error when it is the only one. */
  readonly errors: readonly Partial<ErrorDetails>[];
  readonly priceUsd?: number;
}

export const nothing: Finding = { problems: [], warnings: [], errors: [] };

/** A plugin's findings with their paths from the root of the configuration. */
export function under(path: string, { problems, warnings }: CheckResult): Finding {
  const place = (problem: Problem): Problem => ({
    ...problem,
    path: problem.path ? `${path}.${problem.path}` : path,
  });
  return { problems: problems.map(place), warnings: warnings.map(place), errors: [] };
}

/** A check that throws found a problem too: the others are still to be heard. */
export async function guard(path: string, check: () => Promise<Finding>): Promise<Finding> {
  try {
    return await check();
  } catch (thrown) {
    const error = toMulticloudError(thrown);
    // A defect is not the user's problem, and an abort ends everything.
    if (error.code === "INTERNAL" || error.code === "ABORTED") throw thrown;
    if (error instanceof ValidationError) return { problems: error.problems, warnings: [], errors: [] };
    const { code, message, hint, service, status, requestId } = error;
    const site = error.site ?? /^sites\.([^.]+)/.exec(path)?.[1];
    return {
      problems: [{ path, message, code, ...(hint ? { hint } : {}) }],
      warnings: [],
      errors: [{ site, service, status, requestId, cause: error }],
    };
  }
}

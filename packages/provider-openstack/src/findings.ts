import { type MachineShape, MulticloudError, type Problem } from "@multicloud/core/plugin";
import type { Found } from "./lookup.js";

/** Collects what is wrong, each thing once however many machines it concerns. */
export function createFindings() {
  const problems = new Map<string, Problem>();
  const warnings = new Map<string, Problem>();
  const add = (to: Map<string, Problem>) => (problem: Problem) =>
    void to.set(`${problem.path} ${problem.message}`, problem);
  return { problems, warnings, problem: add(problems), warning: add(warnings) };
}

/** What was found so far. */
export type Findings = ReturnType<typeof createFindings>;

/** What is the user's to put right becomes a problem; a cloud that does not answer stays an error. */
export async function asProblem(
  findings: Findings,
  path: string,
  run: () => Promise<void>,
): Promise<boolean> {
  try {
    await run();
    return true;
  } catch (error) {
    const codes = ["AUTH_FAILED", "CONFIG_INVALID", "FORBIDDEN"];
    if (!MulticloudError.isInstance(error) || !codes.includes(error.code)) throw error;
    findings.problem({ path, message: error.message, ...(error.hint ? { hint: error.hint } : {}) });
    return false;
  }
}

/** The thing, or a problem at this path. */
export function take<T>(findings: Findings, path: string, found: Found<T>): T | undefined {
  if ("thing" in found) return found.thing;
  findings.problem({ path, ...found.problem });
  return undefined;
}

/** The pool of a machine in the site's configuration. */
export function poolOf(machine: MachineShape): string {
  return `${machine.role}s`;
}

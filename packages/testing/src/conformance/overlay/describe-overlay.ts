import { describeCases } from "../describe-cases.js";
import { failureCases } from "./failure-cases.js";
import type { OverlaySuite } from "./harness.js";
import { interruptionCases } from "./interruption-cases.js";
import { joiningCases } from "./joining-cases.js";
import { ownershipCases } from "./ownership-cases.js";
import { openTrial } from "./trial.js";

/**
 * Registers with vitest the cases that every overlay has to pass. Call it at the top level of a test file. A
 * case that needs what `cannot` excludes is skipped, with the reason in its title; an ability that is missing
 * without a reason fails.
 *
 * After each case all reports, errors, boot fragments and commands on nodes are searched for the harness's
 * secrets.
 */
export function describeOverlay(suite: OverlaySuite): void {
  describeCases({
    title: `${suite.name}, an overlay`,
    cannot: suite.cannot ?? {},
    groups: {
      "coming and going": joiningCases,
      ownership: ownershipCases,
      interruptions: interruptionCases,
      "errors, limits and options": failureCases,
    },
    open: () => openTrial(suite),
    ability: (trial, ability) => trial[ability],
  });
}

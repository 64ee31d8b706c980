import { describeCases } from "../describe-cases.js";
import { failureCases } from "./failure-cases.js";
import type { EntrypointSuite } from "./harness.js";
import { inClusterCases } from "./in-cluster-cases.js";
import { interruptionCases } from "./interruption-cases.js";
import { ownershipCases } from "./ownership-cases.js";
import { recordCases } from "./record-cases.js";
import { openTrial } from "./trial.js";

/**
 * Registers with vitest the cases that every DNS plugin has to pass. Call it at the top level of a test file. A
 * case that needs what `cannot` excludes is skipped, with the reason in its title; an ability that is missing
 * without a reason fails.
 *
 * After each case all reports, errors and problems are searched for the harness's secrets.
 */
export function describeEntrypoint(suite: EntrypointSuite): void {
  describeCases({
    title: `${suite.name}, a DNS plugin`,
    cannot: suite.cannot ?? {},
    groups: {
      "the record": recordCases,
      ownership: ownershipCases,
      interruptions: interruptionCases,
      "errors and secrets": failureCases,
      "the half in the cluster": inClusterCases,
    },
    open: () => openTrial(suite),
    ability: (trial, ability) => trial[ability],
  });
}

import { describeCases } from "../describe-cases.js";
import type { EngineSuite } from "./harness.js";
import { honestyCases } from "./honesty-cases.js";
import { interruptionCases } from "./interruption-cases.js";
import { lifeCases } from "./life-cases.js";
import { secrecyCases } from "./secrecy-cases.js";
import { stateCases } from "./state-cases.js";
import { openTrial } from "./trial.js";

/**
 * Registers with vitest the cases that every cluster engine has to pass. Call it at the top level of a test
 * file. A case that needs what `cannot` excludes is skipped, with the reason in its title; an ability that is
 * missing without a reason fails.
 *
 * After each case all reports and errors are searched for the harness's secrets.
 */
export function describeEngine(suite: EngineSuite): void {
  describeCases({
    title: `${suite.name}, a cluster engine`,
    cannot: suite.cannot ?? {},
    groups: {
      "a cluster's life": lifeCases,
      "nothing in silence": honestyCases,
      "state lost and found": stateCases,
      interruptions: interruptionCases,
      secrets: secrecyCases,
    },
    open: () => openTrial(suite),
    ability: (trial, ability) => trial[ability],
  });
}

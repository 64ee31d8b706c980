import type { Ability } from "./harness.js";
import type { Trial } from "./trial.js";

/** One thing that every provider has to do. */
export interface ConformanceCase {
  readonly name: string;
  /** Without these the case is skipped. */
  readonly needs?: readonly Ability[];
  run(trial: Trial): Promise<void>;
}

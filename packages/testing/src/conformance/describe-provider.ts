import { beforeAll, describe, expect, test } from "vitest";
import type { ConformanceCase } from "./case.js";
import { failureCases } from "./failure-cases.js";
import type { Ability, ProviderSuite } from "./harness.js";
import { interruptionCases } from "./interruption-cases.js";
import { machineCases } from "./machine-cases.js";
import { ownershipCases } from "./ownership-cases.js";
import { sharedCases } from "./shared-cases.js";
import { openTrial } from "./trial.js";

const groups: Readonly<Record<string, readonly ConformanceCase[]>> = {
  machines: machineCases,
  ownership: ownershipCases,
  "what machines share": sharedCases,
  interruptions: interruptionCases,
  "errors and bounds": failureCases,
};

const timeoutMs = 120_000;

/**
 * Registers with vitest the cases that every provider has to pass. Call it at the top level of a test file.
 * A case that needs what `cannot` excludes is skipped, with the reason in its title; an ability that is
 * missing without a reason fails.
 *
 * After each case all reports and errors are searched for the harness's secrets.
 */
export function describeProvider(suite: ProviderSuite): void {
  const { cannot = {} } = suite;
  describe(`${suite.name}, a provider`, () => {
    const reasons = Object.entries(cannot).map(([ability, reason]) => `${ability}: ${reason}`);
    beforeAll(() => {
      // vitest shows the titles of skipped tests only when asked to.
      if (reasons.length > 0) console.warn(`${suite.name} is not judged on\n  ${reasons.join("\n  ")}`);
    });
    for (const [title, cases] of Object.entries(groups)) {
      describe(title, () => {
        for (const one of cases) register(suite, one);
      });
    }
  });
}

function register(suite: ProviderSuite, { name, needs = [], run }: ConformanceCase): void {
  const excluded = needs.filter((ability) => suite.cannot?.[ability] !== undefined);
  if (excluded.length > 0) {
    test.skip(`${name} [skipped: ${excluded.map((ability) => suite.cannot?.[ability]).join("; ")}]`, () => {});
    return;
  }
  test(name, { timeout: timeoutMs }, async () => {
    const trial = await openTrial(suite);
    try {
      for (const ability of needs) requireAbility(trial[ability], ability);
      await run(trial);
      const said = trial.said();
      for (const secret of trial.secrets) {
        expect(said.includes(secret), `a report or an error has the secret ${secret.slice(0, 4)}…`).toBe(
          false,
        );
      }
    } finally {
      await trial.close();
    }
  });
}

function requireAbility(given: unknown, ability: Ability): void {
  if (given !== undefined) return;
  expect.fail(
    `the harness has no ${ability}: supply it, or say in the suite's cannot.${ability} why this cloud lacks it`,
  );
}

import { beforeAll, describe, expect, test } from "vitest";

/** One thing that every plugin of a kind has to do. */
export interface Case<Trial, Ability extends string> {
  readonly name: string;
  /** Without these the case is skipped. */
  readonly needs?: readonly Ability[];
  run(trial: Trial): Promise<void>;
}

/** What the cases run on has to have besides the abilities. */
export interface CaseTrial {
  /** Everything that was said in reports and errors, as text. */
  said(): string;
  /** Texts that must not be in it. */
  secrets(): readonly string[] | Promise<readonly string[]>;
  close(): Promise<void>;
}

/** A suite of cases. */
export interface CaseSuite<Trial extends CaseTrial, Ability extends string> {
  readonly title: string;
  readonly cannot: Partial<Record<Ability, string>>;
  readonly groups: Readonly<Record<string, readonly Case<Trial, Ability>[]>>;
  open(): Promise<Trial>;
  /** What of a trial is an ability. */
  ability(trial: Trial, ability: Ability): unknown;
}

const timeoutMs = 120_000;

/**
 * Registers cases with vitest. A case that needs what `cannot` excludes is skipped, with the reason in its
 * title; an ability that is missing without a reason fails. After each case everything said is searched for
 * secrets.
 */
export function describeCases<Trial extends CaseTrial, Ability extends string>(
  suite: CaseSuite<Trial, Ability>,
): void {
  describe(suite.title, () => {
    const reasons = Object.entries(suite.cannot).map(([ability, reason]) => `${ability}: ${reason}`);
    beforeAll(() => {
      // vitest shows the titles of skipped tests only when asked to.
      if (reasons.length > 0) console.warn(`${suite.title}: not judged on\n  ${reasons.join("\n  ")}`);
    });
    for (const [title, cases] of Object.entries(suite.groups)) {
      describe(title, () => {
        for (const one of cases) register(suite, one);
      });
    }
  });
}

function register<Trial extends CaseTrial, Ability extends string>(
  suite: CaseSuite<Trial, Ability>,
  { name, needs = [], run }: Case<Trial, Ability>,
): void {
  const excluded = needs.flatMap((ability) => suite.cannot[ability] ?? []);
  if (excluded.length > 0) {
    test.skip(`${name} [skipped: ${excluded.join("; ")}]`, () => {});
    return;
  }
  test(name, { timeout: timeoutMs }, () =>
    judge(suite.open, async (trial) => {
      for (const ability of needs) {
        if (suite.ability(trial, ability) !== undefined) continue;
        expect.fail(
          `the harness has no ${ability}: supply it, or say in the suite's cannot.${ability} why it lacks it`,
        );
      }
      await run(trial);
    }),
  );
}

/** Runs a case on a trial of its own, and searches what was said for secrets. */
export async function judge<Trial extends CaseTrial>(
  open: () => Promise<Trial>,
  run: (trial: Trial) => Promise<void>,
): Promise<void> {
  const trial = await open();
  try {
    await run(trial);
    expectUnsaid(trial.said(), await trial.secrets(), "a report or an error");
  } finally {
    await trial.close();
  }
}

/** Fails when a text has a secret, or a line of one. */
export function expectUnsaid(text: string, secrets: readonly string[], where: string): void {
  for (const secret of secrets.flatMap(linesOf)) {
    expect(text.includes(secret), `${where} has the secret ${secret.slice(0, 4)}…`).toBe(false);
  }
}

/** The lines of a secret that give it away: of a key in PEM all but the frame around it. */
export function linesOf(secret: string): readonly string[] {
  return secret.split("\n").filter((line) => line.trim().length >= 8 && !line.startsWith("-----"));
}

import { expect } from "vitest";
import { abortAt, stoppedByTest } from "../abort-at.js";
import { type EntrypointCase, first, second } from "./case.js";
import type { Call, EntrypointTrial } from "./trial.js";

/** More changes than one record takes: where the search for the last one stops. */
const mostWrites = 40;

/** Cuts the process off: a new one goes on. */
export const interruptionCases: readonly EntrypointCase[] = [
  {
    name: "a signal that has fired already stops every call with its reason, before it changes anything",
    async run(trial) {
      await trial.set(first);
      const before = await trial.lines();
      const stopped = { signal: AbortSignal.abort(stoppedByTest) };
      const calls: Record<string, () => Promise<unknown>> = {
        check: () => trial.check(stopped),
        get: () => trial.get(stopped),
        set: () => trial.set(second, stopped),
        remove: () => trial.remove(stopped),
      };
      const writes = await trial.writesOf(async () => {
        for (const [name, call] of Object.entries(calls)) {
          expect(await trial.errorOf(call()), `${name} rejects with the signal's reason`).toBe(stoppedByTest);
        }
      });
      expect(writes).toBe(0);
      expect(await trial.lines()).toEqual(before);
    },
  },
  {
    name: "a set that is aborted at any of its changes is finished by the next process, with nothing doubled",
    needs: ["onWrite"],
    async run(trial) {
      await trial.set(second);
      const whole = await trial.lines();
      for (const from of [undefined, first]) {
        const start = () => (from ? trial.set(from) : trial.remove());
        const changes = await abortEverywhere(
          trial,
          start,
          (call) => trial.set(second, call),
          async () => {
            await trial.set(second);
            expect((await trial.get())?.addresses).toEqual(second);
            expect(await trial.seen()).toEqual(second);
            expect(await trial.lines()).toEqual(whole);
            expect(await trial.writesOf(() => trial.set(second)), "changes by a set of what is right").toBe(
              0,
            );
          },
        );
        expect(changes, "changes that the harness tells of").toBeGreaterThan(0);
      }
    },
  },
  {
    name: "a remove that is aborted at any of its changes is finished by the next process",
    needs: ["onWrite"],
    async run(trial) {
      const before = await trial.lines();
      const start = () => trial.set(first);
      const changes = await abortEverywhere(
        trial,
        start,
        (call) => trial.remove(call),
        async () => {
          await trial.remove();
          expect(await trial.lines()).toEqual(before);
        },
      );
      expect(changes, "changes that the harness tells of").toBeGreaterThan(0);
    },
  },
  {
    name: "a change whose connection was cut, before or after it took effect, is made once",
    needs: ["cutWrite"],
    async run(trial) {
      const before = await trial.lines();
      await trial.set(second);
      const whole = await trial.lines();
      await trial.remove();
      for (const when of ["before", "after"] as const) {
        for (const addresses of [first, second]) {
          trial.cutWrite!(when);
          // It may recover by itself or reject; both are right as long as nothing is doubled.
          await trial.settled(trial.set(addresses));
          await trial.set(addresses);
          expect(await trial.seen(), `after a cut ${when} the change`).toEqual(addresses);
        }
        expect(await trial.lines(), `after a cut ${when} the change`).toEqual(whole);
        trial.cutWrite!(when);
        await trial.settled(trial.remove());
        await trial.remove();
        expect(await trial.lines(), `after a cut ${when} the removal`).toEqual(before);
      }
    },
  },
];

/** Aborts a call at its first change, at its second one, and so on, each time from the same start. Gives how many changes it made. */
async function abortEverywhere(
  trial: EntrypointTrial,
  start: () => Promise<unknown>,
  work: (call: Call) => Promise<unknown>,
  finish: () => Promise<void>,
): Promise<number> {
  for (let n = 1; n <= mostWrites; n += 1) {
    await start();
    const died = await abortAt(trial.onWrite!, n, (signal) => work({ signal }));
    await finish();
    if (!died) return n - 1;
  }
  expect.fail(`more than ${mostWrites} changes for one record`);
}

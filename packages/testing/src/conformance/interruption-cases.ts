import { expect } from "vitest";
import type { ConformanceCase } from "./case.js";
import { asLines, type Trial } from "./trial.js";

/** More writes than this case's cluster takes: where the search for the last one stops. */
const mostWrites = 40;

async function cutOff(trial: Trial, when: "before" | "after"): Promise<void> {
  const context = trial.context();
  const [request] = trial.batch(1);
  const provider = trial.provider();
  await provider.ensureShared(context, trial.shared());
  trial.cutCreate!(when);
  // It may recover by itself or reject; both are right as long as nothing is doubled.
  await trial.settled(provider.create(context, [request!]));
  await trial.provider().create(context, [request!]);
  await trial.until(trial.provider(), context, (list) => list.length === 1 && list[0]!.status === "running");
  expect(await trial.machineNames()).toEqual([request!.name]);
}

/** Aborts at the n-th write; false when there were fewer. */
async function abortAt(
  trial: Trial,
  n: number,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<boolean> {
  const abort = new AbortController();
  const reason = new Error(`stopped by the test at write ${n}`);
  let seen = 0;
  const stop = trial.onWrite!(() => {
    seen += 1;
    if (seen === n) abort.abort(reason);
  });
  const error = await work(abort.signal).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  stop();
  if (seen < n) {
    if (error !== undefined) throw error;
    return false;
  }
  if (error !== undefined) expect(error, "an aborted call rejects with the signal's reason").toBe(reason);
  // The last write may be the end of the call.
  else expect(seen, `writes when the signal fired at write ${n}`).toBe(n);
  return true;
}

/** Cuts the process off: an abort stops it, a new process goes on. */
export const interruptionCases: readonly ConformanceCase[] = [
  {
    name: "create whose connection was cut after it took effect is found again and not doubled",
    needs: ["cutCreate"],
    run: (trial) => cutOff(trial, "after"),
  },
  {
    name: "create whose connection was cut before it took effect is made up for",
    needs: ["cutCreate"],
    run: (trial) => cutOff(trial, "before"),
  },
  {
    name: "a signal that has fired already stops every call before it writes",
    async run(trial) {
      const provider = trial.provider();
      const context = trial.context();
      await trial.up(provider, context, trial.batch(1));
      const machines = await trial.until(provider, context, (list) => list[0]?.status === "running");
      const reason = new Error("stopped by the test");
      const stopped = trial.context({ signal: AbortSignal.abort(reason) });
      const writes = trial.writes();
      const calls: Record<string, () => Promise<unknown>> = {
        list: () => provider.list(stopped),
        check: () => provider.check(stopped, { machines: trial.batch(1), toCreate: [] }),
        create: () => provider.create(stopped, trial.batch(2)),
        delete: () => provider.delete(stopped, machines),
      };
      for (const [name, call] of Object.entries(calls)) {
        expect(await trial.errorOf(call()), `${name} rejects with the signal's reason`).toBe(reason);
      }
      await trial.settled(provider.ensureShared(stopped, { ...trial.shared(), firewall: [] }));
      await trial.settled(provider.deleteShared(stopped));
      expect(trial.writes() - writes).toBe(0);
    },
  },
  {
    name: "an abort at any write leaves nothing that a new process does not find, and it ends with nothing doubled",
    needs: ["onWrite"],
    async run(first) {
      const { suite } = first;
      const { openTrial } = await import("./trial.js");
      let n = 1;
      for (; n <= mostWrites; n += 1) {
        const trial = await openTrial(suite);
        try {
          const before = asLines(await trial.things());
          const wanted = trial.batch(2);
          const died = await abortAt(trial, n, (signal) =>
            trial.up(trial.provider(), trial.context({ signal }), wanted),
          );
          const known = (await trial.provider().list(trial.context())).map(({ name }) => name).sort();
          expect(known, `machines known after an abort at write ${n}`).toEqual(await trial.machineNames());
          await trial.up(trial.provider(), trial.context(), wanted);
          await trial.until(
            trial.provider(),
            trial.context(),
            (list) => list.length === 2 && list.every(({ status }) => status === "running"),
          );
          expect(await trial.machineNames()).toEqual(wanted.map(({ name }) => name));
          await trial.destroy(trial.provider(), trial.context());
          expect(asLines(await trial.things())).toEqual(before);
          if (!died) break;
        } finally {
          await trial.close();
        }
      }
      expect(n, "writes until two machines exist").toBeGreaterThan(1);
    },
  },
  {
    name: "a destroy that is aborted at any write is finished by the next",
    needs: ["onWrite"],
    async run(first) {
      const { suite } = first;
      const { openTrial } = await import("./trial.js");
      for (let n = 1; n <= mostWrites; n += 1) {
        const trial = await openTrial(suite);
        try {
          const before = asLines(await trial.things());
          await trial.up(trial.provider(), trial.context(), trial.batch(2));
          await trial.until(
            trial.provider(),
            trial.context(),
            (list) => list.length === 2 && list.every(({ status }) => status === "running"),
          );
          const died = await abortAt(trial, n, (signal) =>
            trial.destroy(trial.provider(), trial.context({ signal })),
          );
          await trial.destroy(trial.provider(), trial.context());
          expect(asLines(await trial.things()), `left after an abort at write ${n}`).toEqual(before);
          if (!died) break;
        } finally {
          await trial.close();
        }
      }
    },
  },
];

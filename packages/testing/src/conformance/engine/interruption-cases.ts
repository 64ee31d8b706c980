import { expect } from "vitest";
import { type EngineCase, master, worker } from "./case.js";
import type { EngineProcess } from "./process.js";
import type { EngineTrial } from "./trial.js";

/** More runs than it takes to die once at each change of the smallest cluster. */
const mostRuns = 600;

/**
 * Runs something until it ends by itself, and stops each run right after the first change after which none was
 * stopped before: so the last run has been preceded by one that ended at each change that there is.
 */
async function stopEverywhere<T>(
  trial: EngineTrial,
  every: number,
  stop: (process: EngineProcess) => void | Promise<void>,
  work: (process: EngineProcess) => Promise<T>,
): Promise<{ readonly result: T; readonly stopped: readonly string[] }> {
  const seen = new Set<string>();
  const stopped: string[] = [];
  for (let run = 1; run <= mostRuns; run += 1) {
    const process = trial.start();
    let at: string | undefined;
    let heard: (ended: "stopped") => void = () => {};
    const hearing = new Promise<"stopped">((resolve) => {
      heard = resolve;
    });
    const unlisten = trial.onWrite!(async (what) => {
      if (at !== undefined || seen.has(what)) return;
      seen.add(what);
      if ((seen.size - 1) % every !== 0) return;
      at = what;
      const stopping = stop(process);
      heard("stopped");
      await stopping;
    });
    const working = work(process);
    // A killed process is never heard of again; an aborted one ends by itself.
    const first = await Promise.race([
      working.then(
        (result) => ({ result }),
        (error: unknown) => ({ error }),
      ),
      hearing.then(() =>
        process.dead
          ? undefined
          : working.then(
              (result) => ({ result }),
              (error: unknown) => ({ error }),
            ),
      ),
    ]);
    unlisten();
    await process.close();
    if (first && "result" in first) return { result: first.result, stopped };
    if (at === undefined) {
      throw new Error(
        `run ${run} failed by itself; the ones before were stopped after:\n${stopped.join("\n") || "nothing"}`,
        { cause: (first as { error: unknown }).error },
      );
    }
    stopped.push(at);
    if (first && !process.dead) {
      expect(first.error, `an aborted call rejects with the signal's reason (${at})`).toBe(stoppedByTest);
    }
  }
  expect.fail(`after ${mostRuns} runs, each of which was stopped after another change, none came to an end`);
}

const stoppedByTest = new Error("stopped by the test");
const kill = (process: EngineProcess) => process.kill();
const abort = (process: EngineProcess) => process.abort(stoppedByTest);

/** Names on machines of a cluster that was made without any interruption. */
async function undisturbed(first: EngineTrial): Promise<readonly string[]> {
  await first.prepared(master, worker);
  await first.up(master, worker);
  const names = await first.names();
  await first.reset(master, worker);
  return names;
}

/** Cuts the process off: a new one goes on. */
export const interruptionCases: readonly EngineCase[] = [
  {
    name: "a signal that has fired already stops every call before it changes anything",
    async run(trial) {
      await trial.prepared(master, worker);
      const calls: Record<string, (process: EngineProcess) => Promise<unknown>> = {
        up: (process) => process.up([master, worker]),
        reset: (process) => process.reset([master, worker]),
      };
      for (const [name, call] of Object.entries(calls)) {
        const writes = trial.writes();
        const process = trial.start();
        process.abort(stoppedByTest);
        expect(await trial.errorOf(call(process)), `${name} rejects with the signal's reason`).toBe(
          stoppedByTest,
        );
        expect(trial.writes() - writes, `changes of ${name}`).toBe(0);
      }
    },
  },
  {
    name: "up that is killed after every change comes to the same cluster, with nothing doubled and nothing left over",
    needs: ["onWrite"],
    async run(trial) {
      const wanted = await undisturbed(trial);
      const every = trial.suite.killEvery ?? 1;
      const { result, stopped } = await stopEverywhere(trial, every, kill, (process) =>
        process.up([master, worker]),
      );
      expect(stopped.length, "changes after which it was killed").toBeGreaterThan(2);
      expect(await trial.look(result)).toMatchObject({ ready: [master, worker], others: [] });
      expect(await trial.names()).toEqual(wanted);
      await trial.expectSettled(master, worker);
    },
  },
  {
    name: "up that is aborted again and again comes to the same cluster",
    needs: ["onWrite"],
    async run(trial) {
      const wanted = await undisturbed(trial);
      const every = Math.max(5, trial.suite.killEvery ?? 1);
      const { result } = await stopEverywhere(trial, every, abort, (process) => process.up([master, worker]));
      expect(await trial.look(result)).toMatchObject({ ready: [master, worker], others: [] });
      expect(await trial.names()).toEqual(wanted);
      await trial.expectSettled(master, worker);
    },
  },
  {
    name: "reset that is killed after every change leaves the machines clean in the end",
    needs: ["onWrite"],
    async run(trial) {
      await trial.prepared(master, worker);
      const before = await trial.names();
      await trial.up(master, worker);
      const every = trial.suite.killEvery ?? 1;
      await stopEverywhere(trial, every, kill, (process) => process.reset([master, worker]));
      expect(await trial.names()).toEqual(before);
    },
  },
];

import { MulticloudError, ValidationError } from "@multicloud/core/plugin";
import { expect } from "vitest";
import { type EngineCase, master, secondWorker, worker } from "./case.js";
import { roleOf } from "./trial.js";

const planned = (name: string) => ({
  name,
  site: name.split("-")[1]!,
  role: roleOf(name),
  labels: {},
  jump: [],
});

/** Nothing is dropped in silence, and what is wrong is said before anything is done. */
export const honestyCases: readonly EngineCase[] = [
  {
    name: "a machine that cannot be reached is an error that names it, never a cluster without it",
    needs: ["unreachable"],
    async run(trial) {
      const names = [master, worker, secondWorker];
      await trial.prepared(...names);
      const { authority } = await trial.look(await trial.up(...names));
      for (const lost of [secondWorker, master]) {
        // Also without anything that says what is where already.
        await trial.loseState();
        const process = trial.start();
        const nodes = await process.open(names);
        // Their connections are open, and then one machine is gone.
        const mend = trial.unreachable!(lost);
        expectNames(await trial.errorOf(process.up(nodes)), lost);
        mend();
        await process.close();
        const picture = await trial.look(await trial.up(...names));
        expect(picture, `the cluster once ${lost} is back`).toMatchObject({
          authority,
          ready: [...names].sort(),
        });
      }
    },
  },
  {
    name: "a machine in whose place another one answers is an error that names it, before anything is changed",
    needs: ["impostor"],
    async run(trial) {
      await trial.prepared(master, worker);
      const process = trial.start();
      const nodes = await process.open([master, worker]);
      const writes = trial.writes();
      const mend = trial.impostor!(worker);
      expectNames(await trial.errorOf(process.up(nodes)), worker);
      expect(trial.writes() - writes, "changes on the machines").toBe(0);
      mend();
      expect((await trial.look(await trial.up(master, worker))).ready).toEqual([worker, master].sort());
    },
  },
  {
    name: "a machine that the engine cannot use is an error that names it, and joins once it is right",
    needs: ["unfit"],
    async run(trial) {
      await trial.prepared(master, worker, secondWorker);
      const mend = await trial.unfit!(secondWorker);
      expectNames(await trial.errorOf(trial.up(master, worker, secondWorker)), secondWorker);
      // Twice, because a run that ended in an error must not count as done.
      expectNames(await trial.errorOf(trial.up(master, worker, secondWorker)), secondWorker);
      await mend();
      const picture = await trial.look(await trial.up(master, worker, secondWorker));
      expect(picture.ready).toEqual([master, worker, secondWorker]);
      await trial.expectSettled(master, worker, secondWorker);
    },
  },
  {
    name: "check finds nothing wrong with what can be made, changes nothing, and wants a master",
    async run(trial) {
      await trial.prepared(master);
      const writes = trial.writes();
      const process = trial.start();
      expect((await process.check([planned(master), planned(worker)])).problems).toEqual([]);
      expect((await process.check([planned(worker)])).problems, "without a master").not.toEqual([]);
      expect(trial.writes() - writes).toBe(0);
    },
  },
  {
    name: "wrong options are problems with path, what was given and what is allowed, and up refuses them before it changes anything",
    needs: ["wrongOptions"],
    async run(trial) {
      await trial.prepared(master);
      const writes = trial.writes();
      const wrong = trial.wrongOptions!();
      expect(wrong.length).toBeGreaterThan(0);
      for (const { plugin, path, given, suggestion, allowed } of wrong) {
        const process = trial.start(plugin);
        const { problems } = await process.check([planned(master)]);
        const problem = problems.find((one) => one.path === path);
        expect(problem, `a problem at ${path}; found: ${JSON.stringify(problems)}`).toBeDefined();
        expect(problem?.message, `${path}: message`).toBeTruthy();
        if (given !== undefined) expect(problem?.given, `${path}: given`).toBe(given);
        if (suggestion !== undefined) expect(problem?.suggestion, `${path}: suggestion`).toBe(suggestion);
        if (allowed) expect(problem?.allowed, `${path}: allowed`).not.toHaveLength(0);
        const error = await trial.errorOf(process.up([master]));
        if (!(error instanceof ValidationError)) {
          expect.fail(`up() with a wrong ${path} has to reject with a ValidationError, not with ${error}`);
        }
      }
      expect(trial.writes() - writes, "changes on the machine").toBe(0);
    },
  },
];

function expectNames(error: unknown, node: string): void {
  if (!MulticloudError.isInstance(error)) {
    expect.fail(`up() has to reject with a MulticloudError, not with ${String(error)}`);
  }
  expect(error.code, "code").not.toBe("INTERNAL");
  expect(`${error.node} ${error.message}`, `the error names ${node}`).toContain(node);
}

import { expect } from "vitest";
import { abortAt, stoppedByTest } from "../abort-at.js";
import type { OverlayCase, OverlayTrial } from "./trial.js";

/** More changes than one node takes: where the search for the last one stops. */
const mostWrites = 40;

/** A network and a node on it, by a process of its own. */
async function upOf(trial: OverlayTrial, name: string, signal?: AbortSignal): Promise<void> {
  const overlay = trial.overlay();
  const context = trial.context(signal ? { signal } : {});
  const network = await overlay.ensure(context);
  await overlay.admit(context, network, await trial.node(name));
}

/** What one node on one network looks like, the ids left out. */
async function countOf(trial: OverlayTrial): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { kind } of await trial.things()) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

/** Cuts the process off: a new one goes on. */
export const interruptionCases: readonly OverlayCase[] = [
  {
    name: "a signal that has fired already stops every call before it changes anything",
    async run(trial) {
      const network = await trial.ensure();
      await trial.joining(network, "worker-1", "worker-2");
      await trial.admit(network, "worker-1");
      const context = trial.context();
      const members = await trial.overlay().members(context);
      const stopped = trial.context({ signal: AbortSignal.abort(stoppedByTest) });
      const [, second] = await Promise.all([trial.node("worker-1"), trial.node("worker-2")]);
      const calls: Record<string, () => Promise<unknown>> = {
        check: () => trial.overlay().check(stopped),
        find: () => trial.overlay().find(stopped),
        ensure: () => trial.overlay().ensure(stopped),
        admit: () => trial.overlay().admit(stopped, network, second),
        members: () => trial.overlay().members(stopped),
        remove: () => trial.overlay().remove(stopped, members),
      };
      const writes = await trial.writesOf(async () => {
        for (const [name, call] of Object.entries(calls)) {
          expect(await trial.errorOf(call()), `${name} rejects with the signal's reason`).toBe(stoppedByTest);
        }
        await trial.settled(trial.overlay().destroy(stopped));
      });
      expect(writes).toBe(0);
    },
  },
  {
    name: "joining that is aborted at any change is finished by the next process, with nothing doubled",
    needs: ["onWrite"],
    async run(trial) {
      const before = await trial.lines();
      await trial.joining(await trial.ensure(), "worker-1");
      await upOf(trial, "worker-1");
      const whole = await countOf(trial);
      for (let n = 1; n <= mostWrites; n += 1) {
        await trial.discard("worker-1");
        await trial.destroy();
        expect(await trial.lines(), `left by a destroy after an abort at change ${n - 1}`).toEqual(before);
        let booted = false;
        const died = await abortAt(trial.onWrite!, n, async (signal) => {
          const overlay = trial.overlay();
          const context = trial.context({ signal });
          const network = await overlay.ensure(context);
          await trial.joining(network, "worker-1");
          booted = true;
          await overlay.admit(context, network, await trial.node("worker-1"));
        });
        const network = await trial.ensure();
        if (!booted) await trial.joining(network, "worker-1");
        await upOf(trial, "worker-1");
        expect(await countOf(trial), `after an abort at change ${n}`).toEqual(whole);
        expect(
          await trial.writesOf(() => upOf(trial, "worker-1")),
          `changes by a second run after an abort at change ${n}`,
        ).toBe(0);
        if (!died) return;
      }
      expect.fail(`more than ${mostWrites} changes for one node`);
    },
  },
  {
    name: "a destroy that is aborted at any change is finished by the next process",
    needs: ["onWrite"],
    async run(trial) {
      const before = await trial.lines();
      for (let n = 1; n <= mostWrites; n += 1) {
        const network = await trial.ensure();
        await trial.joining(network, "worker-1");
        await trial.admit(network, "worker-1");
        await trial.discard("worker-1");
        const died = await abortAt(trial.onWrite!, n, (signal) => trial.destroy(trial.context({ signal })));
        await trial.destroy();
        expect(await trial.lines(), `left after an abort at change ${n}`).toEqual(before);
        if (!died) return;
      }
      expect.fail(`more than ${mostWrites} changes for one destroy`);
    },
  },
  {
    name: "a change whose connection was cut, before or after it took effect, is found again and not doubled",
    needs: ["cutWrite"],
    async run(trial) {
      const before = await trial.lines();
      for (const when of ["before", "after"] as const) {
        trial.cutWrite!(when);
        // It may recover by itself or reject; both are right as long as nothing is doubled.
        await trial.settled(trial.ensure());
        const network = await trial.ensure();
        await trial.joining(network, "worker-1");
        trial.cutWrite!(when);
        await trial.settled(trial.admit(network, "worker-1"));
        const { memberId } = await trial.admit(network, "worker-1");
        const members = await trial.overlay().members(trial.context());
        expect(members.map(({ id, node }) => `${id} ${node}`)).toEqual([`${memberId} worker-1`]);
        await trial.discard("worker-1");
        trial.cutWrite!(when);
        await trial.settled(trial.overlay().remove(trial.context(), members));
        trial.cutWrite!(when);
        await trial.settled(trial.destroy());
        await trial.destroy();
        expect(await trial.lines(), `left after connections were cut ${when} the change`).toEqual(before);
      }
    },
  },
];

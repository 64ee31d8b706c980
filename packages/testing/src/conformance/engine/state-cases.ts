import { expect } from "vitest";
import { type EngineCase, master, secondMaster, worker } from "./case.js";

/** The operator's machine may be lost; the cluster is not. */
export const stateCases: readonly EngineCase[] = [
  {
    name: "with its state lost, up finds the same cluster again and makes no other",
    async run(trial) {
      await trial.prepared(master, worker);
      const first = await trial.look(await trial.up(master, worker));
      const before = await trial.names();
      await trial.loseState();
      expect(await trial.look(await trial.up(master, worker))).toEqual(first);
      expect(await trial.names()).toEqual(before);
      await trial.expectSettled(master, worker);
    },
  },
  {
    name: "with its state lost, a changed cluster is still the same",
    async run(trial) {
      await trial.prepared(master, worker);
      const { authority } = await trial.look(await trial.up(master, worker));
      await trial.loseState();
      // A new master that comes first in order must not begin a cluster of its own.
      const early = "lab-0-master-1";
      await trial.prepared(early, secondMaster);
      const names = [early, master, secondMaster, worker];
      const picture = await trial.look(await trial.up(...names));
      expect(picture).toMatchObject({ authority, ready: [...names].sort() });
      await trial.loseState();
      const after = await trial.look(await trial.up(early, master, secondMaster));
      expect(after).toMatchObject({ authority, ready: [early, master, secondMaster], others: [] });
    },
  },
  {
    name: "with its state lost, reset still cleans the machines",
    async run(trial) {
      await trial.prepared(master, worker);
      const before = await trial.names();
      await trial.up(master, worker);
      await trial.loseState();
      await trial.reset(master, worker);
      expect(await trial.names()).toEqual(before);
    },
  },
];

import { expect } from "vitest";
import type { ConformanceCase } from "./case.js";
import { asLines } from "./trial.js";

/** What the machines of a site share. */
export const sharedCases: readonly ConformanceCase[] = [
  {
    name: "the second ensureShared writes nothing, also by another process",
    async run(trial) {
      const context = trial.context();
      const provider = trial.provider();
      await provider.ensureShared(context, trial.shared());
      const writes = trial.writes();
      await provider.ensureShared(context, trial.shared());
      await trial.provider().ensureShared(context, trial.shared());
      expect(trial.writes() - writes).toBe(0);
    },
  },
  {
    name: "ensureShared corrects a firewall that is ours and different",
    needs: ["firewall"],
    async run(trial) {
      const context = trial.context();
      await trial.provider().ensureShared(context, trial.shared());
      const first = asLines(await trial.things());
      const changed = { ...trial.shared(), firewall: [{ protocol: "tcp", port: 22 }] as const };
      const writes = trial.writes();
      await trial.provider().ensureShared(context, changed);
      expect(trial.writes(), "writes for the changed rules").toBeGreaterThan(writes);
      const corrected = trial.writes();
      await trial.provider().ensureShared(context, changed);
      expect(trial.writes(), "writes for the same rules").toBe(corrected);
      await trial.provider().ensureShared(context, trial.shared());
      expect(asLines(await trial.things())).toHaveLength(first.length);
    },
  },
  {
    name: "after delete and deleteShared nothing is left",
    async run(trial) {
      const context = trial.context();
      const before = asLines(await trial.things());
      await trial.up(trial.provider(), context, trial.batch(2));
      await trial.until(trial.provider(), context, (list) => list.length === 2);
      await trial.destroy(trial.provider(), context);
      expect(asLines(await trial.things())).toEqual(before);
    },
  },
  {
    name: "deleteShared is repeatable, and fine when there was never anything",
    async run(trial) {
      const context = trial.context();
      const before = asLines(await trial.things());
      await trial.provider().deleteShared(context);
      const provider = trial.provider();
      await provider.ensureShared(context, trial.shared());
      await provider.deleteShared(context);
      await provider.deleteShared(context);
      await trial.provider().deleteShared(context);
      expect(asLines(await trial.things())).toEqual(before);
    },
  },
];

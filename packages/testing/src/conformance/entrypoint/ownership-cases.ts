import { expect } from "vitest";
import { type EntrypointCase, first, foreign, second } from "./case.js";
import { expectTold } from "./told.js";
import type { Call, EntrypointTrial } from "./trial.js";

/** Ours and not ours: the mark decides, never a name. */
export const ownershipCases: readonly EntrypointCase[] = [
  {
    name: "an address of this name without our mark is a problem of check (CONFLICT); get shows no record, set rejects, remove leaves it",
    needs: ["makeForeign"],
    async run(trial) {
      await trial.makeForeign!(trial.entrypoint("www").record, foreign);
      await expectTaken(trial, {});
      expect(await trial.seen()).toEqual([foreign]);
    },
  },
  {
    name: "an address that somebody adds to our record is neither taken over nor removed",
    needs: ["makeForeign"],
    async run(trial) {
      const { record } = await trial.set(first);
      await trial.makeForeign!(record.name, foreign);
      const before = await trial.lines();
      expect((await trial.get())?.addresses).toEqual(first);
      await expectConflict(trial, {});
      expect(await trial.lines()).toEqual(before);
      await trial.remove();
      expect(await trial.seen(), "after remove").toEqual([foreign]);
      expect(await trial.get(), "after remove").toBeUndefined();
    },
  },
  {
    name: "another cluster's record in the same zone is never touched",
    async run(trial) {
      const theirs = { record: "shop", cluster: "other" };
      await trial.set(second, theirs);
      const before = await trial.lines();
      await trial.check();
      await trial.set(first);
      await trial.set(second);
      await trial.remove();
      expect(await trial.lines()).toEqual(before);
      expect((await trial.get(theirs))?.addresses).toEqual(second);
      expect(await trial.seen("shop")).toEqual(second);
    },
  },
  {
    name: "a name that another cluster has is a problem of check (CONFLICT), and none takes it over, also when its name begins alike",
    async run(trial) {
      await trial.set(first, { cluster: "lab-2" });
      for (const cluster of ["lab", "lab-2-b", "other"]) await expectTaken(trial, { cluster });
      expect((await trial.get({ cluster: "lab-2" }))?.addresses).toEqual(first);
      // Once they have given it up it is free.
      await trial.remove({ cluster: "lab-2" });
      await trial.set(second);
      expect(await trial.seen()).toEqual(second);
    },
  },
];

/** The name is somebody else's: that is said, and nothing is changed. */
async function expectTaken(trial: EntrypointTrial, call: Call): Promise<void> {
  const before = await trial.lines();
  await expectConflict(trial, call);
  expect(await trial.get(call)).toBeUndefined();
  await trial.remove(call);
  expect(await trial.lines(), "what somebody else has").toEqual(before);
}

async function expectConflict(trial: EntrypointTrial, call: Call): Promise<void> {
  const { problems } = await trial.check(call);
  expect([...new Set(problems.map(({ code }) => code))], "codes of what check finds").toEqual(["CONFLICT"]);
  expectTold(await trial.errorOf(trial.set(second, call)), "set", ["CONFLICT"]);
}

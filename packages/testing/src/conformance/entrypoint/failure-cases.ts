import { expect } from "vitest";
import { type EntrypointCase, first, second } from "./case.js";
import { expectTold } from "./told.js";

/** Errors, secrets, and what only reads. */
export const failureCases: readonly EntrypointCase[] = [
  {
    name: "check and get only read: nothing there, a record of ours, somebody else's",
    async run(trial) {
      const expectReads = async (record: string) => {
        const before = await trial.lines();
        const writes = await trial.writesOf(async () => {
          await trial.check({ record });
          await trial.get({ record });
        });
        expect(writes, `changes by check and get of ${record}`).toBe(0);
        expect(await trial.lines()).toEqual(before);
      };
      await expectReads("www");
      await trial.set(first);
      await expectReads("www");
      await trial.set(second, { record: "shop", cluster: "other" });
      await expectReads("shop");
    },
  },
  {
    name: "no address, and what is none, is refused, and the record stays as it is",
    async run(trial) {
      await trial.set(first);
      const before = await trial.lines();
      for (const wrong of [[], ["198.51.100.256"], [...first, "www.example.com"]]) {
        expectTold(await trial.errorOf(trial.set(wrong)), `set of ${JSON.stringify(wrong)}`, [
          "CONFIG_INVALID",
        ]);
      }
      expect(await trial.lines()).toEqual(before);
    },
  },
  {
    name: "wrong credentials are a problem of check (AUTH_FAILED) and an error of every other call, and no secret is said",
    needs: ["wrongCredentials"],
    async run(trial) {
      await trial.set(first);
      const before = await trial.lines();
      const call = { plugin: trial.wrongCredentials!("www") };
      const { problems } = await trial.check(call);
      expect([...new Set(problems.map(({ code }) => code))], "codes of what check finds").toEqual([
        "AUTH_FAILED",
      ]);
      const calls: Record<string, () => Promise<unknown>> = {
        get: () => trial.get(call),
        set: () => trial.set(second, call),
        remove: () => trial.remove(call),
      };
      for (const [name, work] of Object.entries(calls)) {
        expectTold(await trial.errorOf(work()), name, ["AUTH_FAILED"]);
      }
      expect(await trial.lines()).toEqual(before);
      // The suite looks for them in all that was said.
      expect(
        trial.secrets().length,
        "secrets to look for, the right ones and the wrong ones",
      ).toBeGreaterThan(1);
    },
  },
  {
    name: "while nobody at the service answers every call says so by its code, and nothing is lost when it is back",
    needs: ["outage"],
    async run(trial) {
      // One process, so that what it remembers of the outage would be seen.
      const plugin = trial.entrypoint("www");
      await trial.set(first, { plugin });
      const before = await trial.lines();
      const mend = trial.outage!();
      const calls: Record<string, () => Promise<unknown>> = {
        check: () => trial.check({ plugin }),
        get: () => trial.get({ plugin }),
        set: () => trial.set(second, { plugin }),
        remove: () => trial.remove({ plugin }),
      };
      for (const [name, work] of Object.entries(calls)) {
        expectTold(await trial.errorOf(work()), name, ["SERVICE_UNREACHABLE", "SERVICE_FAILED", "TIMEOUT"]);
      }
      expect(await trial.lines()).toEqual(before);
      mend();
      expect((await trial.get({ plugin }))?.addresses).toEqual(first);
      expect((await trial.set(second, { plugin })).changed).toBe(true);
      expect(await trial.seen()).toEqual(second);
    },
  },
];

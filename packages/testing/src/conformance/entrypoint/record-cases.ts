import { expect } from "vitest";
import { type EntrypointCase, first, second } from "./case.js";
import type { EntrypointTrial } from "./trial.js";

/** The record comes, stays, moves and goes. */
export const recordCases: readonly EntrypointCase[] = [
  {
    name: "before anything is set there is no record, and check finds nothing wrong",
    async run(trial) {
      expect((await trial.check()).problems).toEqual([]);
      expect(await trial.get()).toBeUndefined();
      expect(await trial.seen()).toEqual([]);
    },
  },
  {
    name: "set makes exactly these addresses, IPv4 and IPv6: sorted in get, and seen by whoever asks",
    async run(trial) {
      const before = await trial.lines();
      const plugin = trial.entrypoint("www");
      const record = { name: plugin.record, addresses: first };
      expect(await trial.set([...first].reverse(), { plugin })).toEqual({ record, changed: true });
      expect(await trial.get({ plugin })).toEqual(record);
      expect(await trial.get(), "to a new process").toEqual(record);
      expect(await trial.seen()).toEqual(first);
      expect((await trial.check()).problems).toEqual([]);
      expect(await trial.lines(), "the harness shows what was made").not.toEqual(before);
    },
  },
  {
    name: "the same addresses again, in any order, twice or in capitals, change nothing and write nothing, also by another process",
    async run(trial) {
      const plugin = trial.entrypoint("www");
      const { record } = await trial.set(first, { plugin });
      const before = await trial.lines();
      const same = [first, [...first].reverse(), [...first, ...first.map((each) => each.toUpperCase())]];
      const writes = await trial.writesOf(async () => {
        for (const addresses of same) {
          expect(await trial.set(addresses, { plugin })).toEqual({ record, changed: false });
          expect(await trial.set(addresses), "by a new process").toEqual({ record, changed: false });
        }
      });
      expect(writes).toBe(0);
      expect(await trial.lines()).toEqual(before);
    },
  },
  {
    name: "other addresses replace them, whatever the families, and nothing of the former is left",
    async run(trial) {
      for (const addresses of [second, v4, v6, both]) {
        await trial.remove();
        await trial.set(first);
        await trial.set(addresses);
        const before = await trial.lines();
        expect((await trial.get())?.addresses).toEqual(addresses);
        expect(await trial.seen()).toEqual(addresses);
        // As if it had never been another one.
        await trial.remove();
        await trial.set(addresses);
        expect(await trial.lines()).toEqual(before);
      }
    },
  },
  {
    name: "while addresses are replaced the name is at no moment without one, nor has it one that nobody set",
    needs: ["onWrite"],
    async run(trial) {
      for (const { from, to, seen } of await watchWalk(trial)) {
        expect(seen, `between ${from} and ${to}`).not.toEqual([]);
        expect([...from, ...to], `between ${from} and ${to}`).toEqual(expect.arrayContaining([...seen]));
      }
    },
  },
  {
    name: "IPv4 and IPv6 move together: at no moment is one at the former place and the other at the new one",
    needs: ["onWrite", "together"],
    async run(trial) {
      for (const { from, to, seen } of await watchWalk(trial)) expect([from, to]).toContainEqual(seen);
    },
  },
  {
    name: "remove takes the record away with all that was made for it; again, and where there was none, is fine",
    async run(trial) {
      const before = await trial.lines();
      await trial.remove();
      const plugin = trial.entrypoint("www");
      await trial.set(first, { plugin });
      await trial.remove({ plugin });
      expect(await trial.get()).toBeUndefined();
      expect(await trial.seen()).toEqual([]);
      expect(await trial.lines()).toEqual(before);
      const writes = await trial.writesOf(async () => {
        await trial.remove({ plugin });
        await trial.remove();
      });
      expect(writes, "by removing what is gone").toBe(0);
      await trial.set(second);
      expect(await trial.seen(), "once it is set again").toEqual(second);
    },
  },
  {
    name: "a wildcard record answers for the names below it, and leaves other names alone",
    needs: ["wildcard"],
    async run(trial) {
      const before = await trial.lines();
      const apps = { record: "*.apps" };
      expect((await trial.check(apps)).problems).toEqual([]);
      await trial.set(second);
      await trial.set(first, apps);
      expect((await trial.get(apps))?.addresses).toEqual(first);
      expect(await trial.seen("*.apps")).toEqual(first);
      expect(await trial.seen()).toEqual(second);
      expect(await trial.writesOf(() => trial.set(first, apps))).toBe(0);
      await trial.remove();
      expect(await trial.seen("*.apps")).toEqual(first);
      await trial.remove(apps);
      expect(await trial.seen("*.apps")).toEqual([]);
      expect(await trial.lines()).toEqual(before);
    },
  },
];

const v4 = ["192.0.2.9"];
const v6 = ["2001:db8::9"];
const both = [...first, ...second].sort();
/** From one to the next: other addresses, a family that goes or comes, one for the other, more, less. */
const walk = [first, second, v4, v6, first, first.slice(0, 1), both, first];

interface Sight {
  readonly from: readonly string[];
  readonly to: readonly string[];
  /** What whoever asks is given in between, or at the end. */
  readonly seen: readonly string[];
}

/** Sets one after the other, and asks after each change. */
async function watchWalk(trial: EntrypointTrial): Promise<readonly Sight[]> {
  const sights: Sight[] = [];
  for (const [index, to] of walk.entries()) {
    const from = walk[index - 1];
    const unlisten =
      from && trial.onWrite!(async () => void sights.push({ from, to, seen: await trial.seen() }));
    await trial.set(to);
    unlisten?.();
    if (from) expect(sights.at(-1), "the harness tells of the last change").toEqual({ from, to, seen: to });
  }
  return sights;
}

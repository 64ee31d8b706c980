import { expect } from "vitest";
import type { ConformanceCase } from "./case.js";

/** The life of machines: made once, found by name, deleted for good. */
export const machineCases: readonly ConformanceCase[] = [
  {
    name: "create makes machines that list shows as they were asked for, until they run with an address",
    async run(trial) {
      const provider = trial.provider();
      const context = trial.context();
      // Machines that are there already are nobody's to make gateways of: core asks only who makes machines.
      const gateway = provider.persistent ? [] : trial.batch(1, { role: "gateway" });
      const wanted = [...trial.batch(1, { role: "master" }), ...trial.batch(2), ...gateway];
      await trial.up(provider, context, wanted);
      const machines = await trial.until(
        provider,
        context,
        (list) => list.length === wanted.length && list.every(({ status }) => status === "running"),
      );
      for (const { name, role, spec } of wanted) {
        const machine = machines.find((one) => one.name === name);
        expect(machine, name).toMatchObject({ name, role, spec });
        expect(machine?.publicAddress ?? machine?.privateAddress, `${name} has an address`).toBeTruthy();
        if (provider.persistent) expect(machine?.hostKeys, `${name} has its host key`).not.toHaveLength(0);
      }
      expect(new Set(machines.map(({ id }) => id)).size).toBe(wanted.length);
    },
  },
  {
    name: "create again, also by another process, makes nothing and writes nothing",
    async run(trial) {
      const context = trial.context();
      const wanted = trial.batch(3);
      const provider = trial.provider();
      await trial.up(provider, context, wanted);
      const running = (list: readonly { status: string }[]) =>
        list.length === 3 && list.every(({ status }) => status === "running");
      const before = await trial.until(provider, context, running);
      const writes = trial.writes();
      await trial.up(provider, context, wanted);
      await trial.up(trial.provider(), context, wanted);
      expect(trial.writes() - writes, "writes of the second and third time").toBe(0);
      const ids = (list: readonly { id: string }[]) => list.map(({ id }) => id).sort();
      expect(ids(await trial.provider().list(context))).toEqual(ids(before));
      expect(await trial.machineNames()).toEqual(wanted.map(({ name }) => name).sort());
    },
  },
  {
    name: "create makes only the machines that are missing",
    async run(trial) {
      const context = trial.context();
      await trial.up(trial.provider(), context, trial.batch(1));
      await trial.up(trial.provider(), context, trial.batch(3));
      await trial.until(trial.provider(), context, (list) => list.length === 3);
      expect(await trial.machineNames()).toEqual(trial.batch(3).map(({ name }) => name));
    },
  },
  {
    name: "the spec digest is kept as it is, up to 200 characters of [a-z0-9_-]",
    async run(trial) {
      const context = trial.context();
      const spec = "boot-0123abcd_disk-4567ef89_image-".padEnd(200, "a1_b2-");
      await trial.up(trial.provider(), context, trial.batch(1, { spec }));
      const [machine] = await trial.until(trial.provider(), context, (list) => list.length === 1);
      expect(machine?.spec).toBe(spec);
    },
  },
  {
    name: "delete takes the machines that it is given and no others, and is final",
    async run(trial) {
      const provider = trial.provider();
      const context = trial.context();
      await trial.up(provider, context, trial.batch(3));
      const all = await trial.until(provider, context, (list) => list.length === 3);
      const [one, ...others] = [...all].sort((a, b) => (a.name < b.name ? -1 : 1));
      await provider.delete(context, [one!]);
      const left = await trial.until(provider, context, (list) => list.length === 2);
      expect(left.map(({ id }) => id).sort()).toEqual(others.map(({ id }) => id).sort());
      expect(await trial.machineNames()).not.toContain(one!.name);
    },
  },
  {
    name: "delete of machines that are gone already is fine, also by another process",
    async run(trial) {
      const provider = trial.provider();
      const context = trial.context();
      await trial.up(provider, context, trial.batch(2));
      const all = await trial.until(provider, context, (list) => list.length === 2);
      await provider.delete(context, all);
      await provider.delete(context, all);
      await trial.until(provider, context, (list) => list.length === 0);
      await trial.provider().delete(context, all);
      await provider.delete(context, []);
      expect(await trial.machineNames()).toEqual([]);
    },
  },
  {
    name: "a name can be used again after its machine was deleted",
    async run(trial) {
      const provider = trial.provider();
      const context = trial.context();
      await trial.up(provider, context, trial.batch(1));
      await provider.delete(context, await provider.list(context));
      await trial.until(provider, context, (list) => list.length === 0);
      await trial.up(provider, context, trial.batch(1, { spec: "spec-2" }));
      const [machine] = await trial.until(provider, context, (list) => list.length === 1);
      expect(machine?.spec).toBe("spec-2");
    },
  },
  {
    name: "list asks for pages, not for machines",
    needs: ["requests"],
    async run(trial) {
      const provider = trial.provider();
      const context = trial.context();
      const { count, pageSize } = trial.requests!;
      const cost = async (machines: number) => {
        await trial.up(provider, context, trial.batch(machines));
        await trial.until(provider, context, (list) => list.length === machines);
        const before = count();
        expect(await provider.list(context)).toHaveLength(machines);
        return count() - before;
      };
      const few = await cost(1);
      const many = await cost(trial.machines);
      const pages = Math.ceil(trial.machines / pageSize);
      expect(
        many,
        `requests for ${trial.machines} machines when one machine takes ${few}`,
      ).toBeLessThanOrEqual(few * pages);
    },
  },
  {
    name: "check reads only, and finds nothing wrong with what can be made",
    async run(trial) {
      const provider = trial.provider();
      const writes = trial.writes();
      const machines = [...trial.batch(1, { role: "master" }), ...trial.batch(2)];
      const { problems } = await provider.check(trial.context(), {
        machines,
        toCreate: machines.map(({ name }) => name),
      });
      expect(problems).toEqual([]);
      expect(trial.writes()).toBe(writes);
    },
  },
  {
    name: "check names the field of a shape that the cloud does not have",
    needs: ["wrongShape"],
    async run(trial) {
      const { shape, path } = trial.wrongShape!;
      const machines = trial.batch(2).map((request) => ({ ...request, ...shape }));
      const { problems } = await trial
        .provider()
        .check(trial.context(), { machines, toCreate: machines.map(({ name }) => name) });
      expect(problems.map((problem) => problem.path)).toContain(path);
    },
  },
];

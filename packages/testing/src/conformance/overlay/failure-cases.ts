import { MulticloudError } from "@multicloud/core/plugin";
import { expect } from "vitest";
import type { OverlayCase } from "./trial.js";

/** Errors, limits, options, secrets. */
export const failureCases: readonly OverlayCase[] = [
  {
    name: "a service that has too many requests is asked again when it says so",
    needs: ["tooMany"],
    async run(trial) {
      trial.tooMany!(2);
      const network = await trial.ensure();
      await trial.joining(network, "worker-1");
      trial.tooMany!(2);
      const { memberId } = await trial.admit(network, "worker-1");
      trial.tooMany!(1);
      const members = await trial.overlay().members(trial.context());
      expect(members.map(({ id }) => id)).toEqual([memberId]);
      await trial.discard("worker-1");
      trial.tooMany!(1);
      await trial.destroy();
      expect(await trial.overlay().members(trial.context())).toEqual([]);
    },
  },
  {
    name: "check reads only, and finds nothing wrong with what works",
    async run(trial) {
      const writes = await trial.writesOf(async () => {
        expect((await trial.overlay().check(trial.context())).problems).toEqual([]);
        await trial.overlay().find(trial.context());
        await trial.overlay().members(trial.context());
      });
      expect(writes).toBe(0);
    },
  },
  {
    name: "wrong options are problems with path, what was given and what is allowed, and nothing is changed with them",
    needs: ["wrongOptions"],
    async run(trial) {
      const wrong = trial.wrongOptions!();
      expect(wrong.length).toBeGreaterThan(0);
      const writes = await trial.writesOf(async () => {
        for (const { plugin, path, given, suggestion, allowed } of wrong) {
          const { problems } = await plugin.check(trial.context());
          const problem = problems.find((one) => one.path === path);
          expect(problem, `a problem at ${path}; found: ${JSON.stringify(problems)}`).toBeDefined();
          expect(problem?.message, `${path}: message`).toBeTruthy();
          if (given !== undefined) expect(problem?.given, `${path}: given`).toBe(given);
          if (suggestion !== undefined) expect(problem?.suggestion, `${path}: suggestion`).toBe(suggestion);
          if (allowed) expect(problem?.allowed, `${path}: allowed`).not.toHaveLength(0);
          const error = await trial.errorOf(plugin.ensure(trial.context()));
          expect(MulticloudError.isInstance(error), `ensure() with a wrong ${path} rejects: ${error}`).toBe(
            true,
          );
        }
      });
      expect(writes).toBe(0);
    },
  },
  {
    name: "errors carry a code and the service, and what the service answered, and no secret",
    needs: ["refuse"],
    async run(trial) {
      const network = await trial.ensure();
      await trial.joining(network, "worker-1", "worker-2");
      await trial.admit(network, "worker-1");
      const context = trial.context();
      const members = await trial.overlay().members(context);
      trial.refuse!();
      const calls: Record<string, () => Promise<unknown>> = {
        find: () => trial.overlay().find(context),
        admit: () => trial.admit(network, "worker-2"),
        members: () => trial.overlay().members(context),
        remove: () => trial.overlay().remove(context, members),
      };
      for (const [name, call] of Object.entries(calls)) {
        const error = await trial.errorOf(call());
        if (!MulticloudError.isInstance(error)) {
          expect.fail(`${name} has to reject with a MulticloudError, not with ${String(error)}`);
        }
        expect(error.code, `${name}: code`).not.toBe("INTERNAL");
        expect(error.service, `${name}: service`).toBeTruthy();
        if (error.status !== undefined) expect(error.status, `${name}: status`).toBeGreaterThanOrEqual(400);
      }
      await trial.settled(trial.destroy());
      // The suite looks for secrets in all that was said, in the boot fragment and in the commands on nodes.
      expect(trial.secrets().length, "secrets to look for").toBeGreaterThan(0);
    },
  },
];

import { MulticloudError } from "@multicloud/core/plugin";
import { expect } from "vitest";
import type { ConformanceCase } from "./case.js";

/** Errors, bounds, secrets. */
export const failureCases: readonly ConformanceCase[] = [
  {
    name: "errors carry a code and the service, and what the service answered",
    needs: ["refuse"],
    async run(trial) {
      const provider = trial.provider();
      const context = trial.context();
      await trial.up(provider, context, trial.batch(1));
      await trial.until(provider, context, (list) => list[0]?.status === "running");
      trial.refuse!();
      const calls: Record<string, () => Promise<unknown>> = {
        list: () => provider.list(context),
        create: () => provider.create(context, trial.batch(2)),
        "list of a new process": () => trial.provider().list(context),
      };
      for (const [name, call] of Object.entries(calls)) {
        const error = await trial.errorOf(call());
        if (!MulticloudError.isInstance(error)) {
          expect.fail(`${name} has to reject with a MulticloudError, not with ${String(error)}`);
        }
        expect(error.code, `${name}: code`).not.toBe("INTERNAL");
        expect(error.service, `${name}: service`).toBeTruthy();
        // A service that answers over HTTP has a status; the request id is for its support.
        if (error.status !== undefined) {
          expect(error.status, `${name}: status`).toBeGreaterThanOrEqual(400);
          expect(error.requestId, `${name}: request id`).toBeTruthy();
        }
      }
    },
  },
  {
    name: "many machines do not mean as many requests at the same time",
    needs: ["peakRequests"],
    async run(trial) {
      const most = trial.suite.maxConcurrency ?? 32;
      const provider = trial.provider();
      const context = trial.context();
      trial.peakRequests!();
      await trial.up(provider, context, trial.batch(trial.machines));
      expect(trial.peakRequests!(), "at the same time while creating").toBeLessThanOrEqual(most);
      const machines = await trial.until(provider, context, (list) => list.length === trial.machines);
      trial.peakRequests!();
      await provider.delete(context, machines);
      expect(trial.peakRequests!(), "at the same time while deleting").toBeLessThanOrEqual(most);
    },
  },
  {
    name: "the whole life again says no secret: not in a report, not in an error",
    async run(trial) {
      const context = trial.context();
      await trial.up(trial.provider(), context, trial.batch(2));
      await trial.until(trial.provider(), context, (list) => list.length === 2);
      await trial.destroy(trial.provider(), context);
      trial.refuse?.();
      const calls = [
        () => trial.provider().list(context),
        () => trial.provider().create(context, trial.batch(1)),
        () => trial.provider().ensureShared(context, trial.shared()),
      ];
      for (const call of calls) await trial.settled(call());
      expect(trial.secrets.length, "secrets to look for").toBeGreaterThan(1);
    },
  },
];

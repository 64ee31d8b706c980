import { hostname, userInfo } from "node:os";
import type { StepKind } from "@multicloud/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { errorOf, eventsOf, type Lab, machineNames, openLab } from "./lab.js";

const shape = { home: [1, 0], digitalocean: [0, 1] } as const;

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab.close());

// One cluster is interrupted further and further on.
test.for<StepKind>(["check", "create", "ssh", "prepare", "overlay", "engine", "entrypoint"])(
  "an abort at the beginning of a step (%s) ends the run at once",
  async (kind) => {
    const controller = new AbortController();
    const run = lab.cluster(shape).up({ signal: controller.signal });
    const events = eventsOf(run);
    for await (const event of run) {
      if (event.type === "step-start" && event.step.kind === kind) break;
    }
    const reason = new Error("enough");
    const aborted = performance.now();
    controller.abort(reason);
    const error = await errorOf(run);
    expect(error).toMatchObject({ code: "ABORTED", cause: reason });
    expect(performance.now() - aborted).toBeLessThan(3_000);
    // What the abort cut off says so, and is not taken for a defect.
    const cut = (await events).flatMap((event) => (event.type === "step-end" && !event.ok ? [event] : []));
    expect(cut.map(({ step, error }) => [step.id, error?.code])).toEqual(
      cut.map(({ step }) => [step.id, "ABORTED"]),
    );
    expect(cut.length).toBeGreaterThan(0);
  },
);

test("the next up() converges, with nothing doubled", async () => {
  const { nodes } = await lab.cluster(shape).up();
  expect(nodes.map(({ ready }) => ready)).toEqual([true, true]);
  expect(machineNames(lab)).toEqual(["lab-digitalocean-worker-1", "lab-home-master-1"]);
  const effects = lab.effects.all.length;
  expect((await lab.cluster(shape).up()).plan.unchanged).toBe(true);
  expect(lab.effectsSince(effects)).toEqual([]);
});

test("a node whose drain was cut off takes pods again when it stays after all", async () => {
  const controller = new AbortController();
  const changed = lab.cluster(shape, { workers: { digitalocean: { boot: { packages: ["vim"] } } } });
  const run = changed.up({ signal: controller.signal });
  for await (const event of run) if (event.type === "step-end" && event.step.kind === "drain") break;
  controller.abort();
  expect((await errorOf(run)).code).toBe("ABORTED");
  const { plan, nodes } = await lab.cluster(shape).up();
  expect(plan.unchanged).toBe(true);
  expect(nodes.map(({ schedulable }) => schedulable)).toEqual([true, true]);
  const effects = lab.effects.all.length;
  await lab.cluster(shape).up();
  expect(lab.effectsSince(effects)).toEqual([]);
});

test("a run with a signal that has aborted already does nothing", async () => {
  const effects = lab.effects.all.length;
  const cluster = lab.cluster(shape);
  for (const verb of ["plan", "up", "status", "inventory", "destroy"] as const)
    expect((await errorOf(cluster[verb]({ signal: AbortSignal.abort() }))).code, verb).toBe("ABORTED");
  expect(lab.effectsSince(effects)).toEqual([]);
});

test("two runs that change something cannot be at once; the second is told who has the lock", async () => {
  const first = lab.cluster(shape).up();
  for await (const event of first) if (event.type === "plan-made") break;
  const error = await errorOf(lab.cluster(shape).destroy());
  expect(error.code).toBe("STATE_LOCKED");
  expect(error.message).toContain(`${userInfo().username}@${hostname()}, process ${process.pid}`);
  expect(error.hint).toContain("lock");
  // Looking is free.
  expect((await lab.cluster(shape).plan()).unchanged).toBe(true);
  expect((await first).nodes.length).toBe(2);
});

test("an interrupted destroy() is finished by the next", async () => {
  const controller = new AbortController();
  const run = lab.cluster(shape).destroy({ signal: controller.signal });
  for await (const event of run) if (event.type === "step-end" && event.step.kind === "entrypoint") break;
  controller.abort();
  expect((await errorOf(run)).code).toBe("ABORTED");
  await lab.cluster(shape).destroy();
  expect(lab.resources()).toEqual([]);
});

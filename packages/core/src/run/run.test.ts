import { describe, expect, it } from "vitest";
import { MulticloudError } from "../errors/multicloud-error.js";
import { timings } from "./critical-path.js";
import { startRun } from "./run.js";
import { createSteps, type FinishedStep } from "./steps.js";

async function collect<T>(events: AsyncIterable<T>): Promise<T[]> {
  const result: T[] = [];
  for await (const event of events) result.push(event);
  return result;
}

describe("run", () => {
  it("gives every iterator all events, also one that comes late, and the result to who awaits it", async () => {
    const run = startRun("up", "lab", async (emit) => {
      emit({ type: "log", level: "info", message: "one" });
      await Promise.resolve();
      emit({ type: "log", level: "info", message: "two" });
      return 42;
    });
    const types = (await collect(run)).map(({ type }) => type);
    expect(types).toEqual(["run-start", "log", "log", "run-end"]);
    expect(await run).toBe(42);
    expect((await collect(run)).length).toBe(4);
  });

  it("ends the iteration without throwing when the run fails; awaiting rejects with the same error", async () => {
    const failure = new MulticloudError("no", { code: "AUTH_FAILED" });
    const run = startRun("up", "lab", () => Promise.reject(failure));
    expect((await collect(run)).at(-1)).toMatchObject({ type: "run-end", ok: false, error: failure });
    await expect(Promise.resolve(run)).rejects.toBe(failure);
  });
});

describe("steps", () => {
  it("names the step's site and node in an error that does not", async () => {
    const steps = createSteps(() => {});
    const work = steps.run({ kind: "prepare", title: "x", site: "home", node: "n1" }, () =>
      Promise.reject(new MulticloudError("boom", { code: "REMOTE_COMMAND_FAILED" })),
    );
    await expect(work).rejects.toMatchObject({ code: "REMOTE_COMMAND_FAILED", site: "home", node: "n1" });
  });

  it("gives ids that stay unique when a step is repeated", async () => {
    const steps = createSteps(() => {});
    for (let i = 0; i < 2; i++) await steps.run({ kind: "engine", title: "x" }, async () => {});
    expect(steps.finished.map(({ id }) => id)).toEqual(["engine", "engine#2"]);
  });
});

describe("timings", () => {
  const step = (id: string, startMs: number, endMs: number, after: string[]): FinishedStep => ({
    id,
    kind: "engine",
    title: id,
    startMs,
    endMs,
    after,
  });

  it("follows the chain that ended last, not the longest single step", () => {
    const steps = [
      step("a", 0, 10, []),
      step("slow-alone", 0, 40, []),
      step("b", 10, 30, ["a"]),
      step("c", 40, 50, ["b", "slow-alone"]),
    ];
    expect(timings(steps, 50).criticalPath.map(({ id }) => id)).toEqual(["slow-alone", "c"]);
  });
});

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createPace } from "./pace.js";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("no second has more starts than allowed, and none is lost", async () => {
  const pace = createPace(20);
  const starts: number[] = [];
  for (let n = 0; n < 60; n++) pace(new AbortController().signal).then(() => starts.push(Date.now()));
  await vi.advanceTimersByTimeAsync(10_000);
  expect(starts).toHaveLength(60);
  for (let n = 20; n < 60; n++) expect(starts[n]! - starts[n - 20]!).toBeGreaterThan(1000);
  expect(starts.at(-1)! - starts[0]!).toBeLessThan(2400);
});

test("an abort ends a wait", async () => {
  const pace = createPace(1);
  const stop = new AbortController();
  await pace(stop.signal);
  const second = pace(stop.signal);
  stop.abort(new Error("enough"));
  await expect(second).rejects.toThrow("enough");
});

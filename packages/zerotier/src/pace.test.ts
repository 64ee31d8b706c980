import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createPace } from "./pace.js";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const never = () => new AbortController().signal;

test("whenever the requests arrive before their answers, no second sees more than allowed", async () => {
  const pace = createPace(20);
  const arrivals: number[] = [];
  const send = async (n: number) => {
    const over = await pace(never());
    // The first ones are slow to arrive, so that those of the next second may come together with them.
    await new Promise((resolve) => setTimeout(resolve, n < 20 ? 400 : 5));
    arrivals.push(performance.now());
    await new Promise((resolve) => setTimeout(resolve, 30));
    over();
  };
  for (let n = 0; n < 60; n++) void send(n);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(arrivals).toHaveLength(60);
  for (let n = 20; n < 60; n++) expect(arrivals[n]! - arrivals[n - 20]!).toBeGreaterThanOrEqual(1000);
  expect(arrivals.at(-1)! - arrivals[0]!).toBeLessThan(2200);
});

test("a request that hangs keeps one place, not the others waiting", async () => {
  const pace = createPace(2);
  await pace(never());
  const over = await pace(never());
  over();
  const third = vi.fn();
  void pace(never()).then(third);
  await vi.advanceTimersByTimeAsync(999);
  expect(third).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(third).toHaveBeenCalled();
});

test("an abort ends a wait and leaves the place to the next", async () => {
  const pace = createPace(1);
  const stop = new AbortController();
  const over = await pace(stop.signal);
  const queued = pace(stop.signal);
  stop.abort(new Error("enough"));
  await expect(queued).rejects.toThrow("enough");
  over();
  const stopLater = new AbortController();
  const delayed = pace(stopLater.signal);
  await vi.advanceTimersByTimeAsync(500);
  stopLater.abort(new Error("enough"));
  await expect(delayed).rejects.toThrow("enough");
  const last = vi.fn();
  void pace(never()).then(last);
  await vi.advanceTimersByTimeAsync(500);
  expect(last).toHaveBeenCalled();
});

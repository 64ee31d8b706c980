import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createPacer } from "../src/pacer.js";
import { setUp, siteContext } from "./fixture.js";

const signal = new AbortController().signal;

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] }));
afterEach(() => void vi.useRealTimers());

test("never sends more in a minute than it may, and the first half at once", async () => {
  const pacer = createPacer(50);
  const times: number[] = [];
  const run = (async () => {
    for (let i = 0; i < 170; i++) {
      await pacer.turn(signal);
      times.push(Date.now());
    }
  })();
  await vi.advanceTimersByTimeAsync(6 * 60_000);
  await run;
  expect(times.filter((time) => time === times[0]).length).toBe(25);
  for (const time of times) {
    expect(times.filter((other) => other > time - 60_000 && other <= time).length).toBeLessThanOrEqual(50);
  }
});

test("waits where the hour's last request says so, and after a 429", async () => {
  const pacer = createPacer(250);
  const started = Date.now();
  const reset = String(Math.ceil(started / 1000) + 20);
  pacer.observe(200, new Headers({ "ratelimit-remaining": "0", "ratelimit-reset": reset }));
  const turn = pacer.turn(signal).then(() => Date.now() - started);
  await vi.advanceTimersByTimeAsync(30_000);
  expect(await turn).toBeGreaterThanOrEqual(20_000);
  pacer.observe(429, new Headers({ "retry-after": "7" }));
  const at = Date.now();
  const next = pacer.turn(signal).then(() => Date.now() - at);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(await next).toBeGreaterThanOrEqual(7000);
});

test("an account's real limit is not run into", async () => {
  vi.useRealTimers();
  const { cloud, provider } = await setUp({
    cloud: { rateLimits: { perMinute: 40 } },
    provider: { requestsPerMinute: 40 },
  });
  const abort = new AbortController();
  const ocean = provider();
  const context = siteContext("ocean", { signal: abort.signal });
  const lists = Array.from({ length: 60 }, () => ocean.list(context).catch(() => undefined));
  setTimeout(() => abort.abort(), 300);
  await Promise.all(lists);
  expect(cloud.calls.length).toBeGreaterThan(10);
  expect(cloud.calls.filter(({ status }) => status === 429)).toEqual([]);
  await cloud.close();
});

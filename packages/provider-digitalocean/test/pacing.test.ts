import type { Report } from "@multicloud/core/plugin";
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

test("what is left of an hour's requests is spread over the time until more come back", async () => {
  const pacer = createPacer(250);
  const started = Date.now();
  const told = (left: number) =>
    new Headers({
      "ratelimit-limit": "5000",
      "ratelimit-remaining": String(left),
      "ratelimit-reset": String(Math.ceil(started / 1000) + 600),
    });
  pacer.observe(200, told(500));
  await pacer.turn(signal);
  expect(Date.now()).toBe(started);
  let left = 100;
  const times: number[] = [];
  const run = (async () => {
    while (left > 0) {
      pacer.observe(200, told(left--));
      await pacer.turn(signal);
      times.push(Date.now() - started);
    }
  })();
  await vi.advanceTimersByTimeAsync(601_000);
  await run;
  expect(times).toHaveLength(100);
  expect(Math.max(...times.map((time, n) => time - (times[n - 1] ?? 0)))).toBeLessThan(7_000);
  expect(times.at(-1)).toBeGreaterThan(590_000);
});

test("an hour that is used up long before its end is told by the service, not slept through", async () => {
  const pacer = createPacer(250);
  const headers = {
    "ratelimit-limit": "5000",
    "ratelimit-remaining": "0",
    "ratelimit-reset": String(Math.ceil(Date.now() / 1000) + 3000),
  };
  pacer.observe(200, new Headers(headers));
  const started = Date.now();
  await pacer.turn(signal);
  expect(Date.now()).toBe(started);
});

test("lists of SSH keys have a limit of their own, which is not run into", async () => {
  const reports: Report[] = [];
  const { cloud, provider } = await setUp({ cloud: { rateLimits: { keyListsPerMinute: 10 } } });
  const ocean = provider();
  const abort = new AbortController();
  const sites = Array.from({ length: 12 }, (_, n) => siteContext(`s${n}`, { signal: abort.signal, reports }));
  // No time passes, so those beyond the first few wait until they are aborted.
  const ends = sites.map((context) => ocean.deleteShared(context).catch(() => undefined));
  await vi.waitFor(() => expect(reports.filter(({ type }) => type === "log").length).toBeGreaterThan(2), {
    timeout: 30_000,
  });
  abort.abort();
  await Promise.all(ends);
  const lists = cloud.calls.filter(({ path }) => path === "/v2/account/keys");
  expect(lists.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200));
  expect(JSON.stringify(reports)).toContain("limit of lists of SSH keys");
  await cloud.close();
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
  // Half of the minute's requests go out at once; a busy machine may need a while for them.
  await vi.waitFor(() => expect(cloud.calls.length).toBeGreaterThanOrEqual(20), { timeout: 30_000 });
  setTimeout(() => abort.abort(), 300);
  await Promise.all(lists);
  expect(cloud.calls.length).toBeGreaterThan(10);
  expect(cloud.calls.filter(({ status }) => status === 429)).toEqual([]);
  await cloud.close();
});

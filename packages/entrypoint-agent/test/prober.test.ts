import { expect, test } from "vitest";
import { createProber } from "../src/agent/prober.js";
import { defaultTiming } from "../src/agent/settings.js";
import { virtualTime } from "./virtual-time.js";

test("an address that died a moment ago is none to turn to, though others have not said so yet", async () => {
  const time = virtualTime();
  const stop = new AbortController();
  const lost = new Set<string>();
  const prober = createProber({
    clock: time.clock(),
    timing: defaultTiming,
    signal: stop.signal,
    probe: async (address, signal) => {
      if (!lost.has(address)) return true;
      return new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      });
    },
    isOwn: () => false,
    random: () => 0.5,
    onChange: () => {},
  });
  prober.follow(["192.0.2.1", "192.0.2.2"]);
  await time.pass(5_000);
  expect(prober.doubts("192.0.2.2")).toBe(false);

  lost.add("192.0.2.1").add("192.0.2.2");
  await time.until("both are in doubt", () => prober.doubts("192.0.2.2"));
  await time.until("the second is dead", () => prober.sees()["192.0.2.2"] === "down");
  expect(prober.doubts("192.0.2.2")).toBe(true);
  // Everybody has been heard by then: a majority that sees it alive is right.
  await time.pass(3 * defaultTiming.alertMs);
  expect(prober.doubts("192.0.2.2")).toBe(false);

  stop.abort();
  await time.pass(1);
});

import { expect, it } from "vitest";
import { systemClock } from "./clock.js";
import { addressIn, agreed, findAddresses } from "./find-addresses.js";

it("reads plain answers, JSON and Cloudflare's trace, of one family", () => {
  expect(addressIn("203.0.113.7\n", 4)).toBe("203.0.113.7");
  expect(addressIn("fl=1f1\nh=1.1.1.1\nip=203.0.113.7\nts=1\n", 4)).toBe("203.0.113.7");
  expect(addressIn('{"ip":"203.0.113.7"}', 4)).toBe("203.0.113.7");
  expect(addressIn("h=one.one.one.one\nip=2001:DB8:0:0::1\n", 6)).toBe("2001:db8::1");
  expect(addressIn("203.0.113.7", 6)).toBeUndefined();
  expect(addressIn("fe80::1%eth0", 6)).toBeUndefined();
  expect(addressIn("<html>captive portal</html>", 4)).toBeUndefined();
});

it("believes what two say when fewer say anything else", () => {
  expect(agreed(["a", "a", undefined])).toBe("a");
  expect(agreed(["a", "a", "b"])).toBe("a");
  expect(agreed(["a", undefined, undefined])).toBeUndefined();
  expect(agreed(["a", "b", "c"])).toBeUndefined();
  expect(agreed(["a", "a", "b", "b"])).toBeUndefined();
  expect(agreed([])).toBeUndefined();
});

it("asks for each family separately, and does without the sources that fail", async () => {
  const answers: Record<string, Record<number, string>> = {
    one: { 4: "203.0.113.7", 6: "2001:db8::1" },
    two: { 4: "203.0.113.7" },
    three: { 4: "192.0.2.66", 6: "2001:db8:0::1" },
    five: { 6: "fe80::1%eth0" },
  };
  const ask = async (url: string, family: 4 | 6) =>
    answers[url]?.[family] ?? Promise.reject(new Error("no way"));
  const { signal } = new AbortController();
  expect(await findAddresses(systemClock, ["one", "two", "three", "four", "five"], ask, signal)).toEqual([
    "203.0.113.7",
    "2001:db8::1",
  ]);
});

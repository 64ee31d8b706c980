import fc from "fast-check";
import { expect, test } from "vitest";
import { contains, formatAddress, hostRange, parseAddress, parseCidr } from "./ipv4.js";

test("an address is the same after being read and written", () => {
  fc.assert(
    fc.property(fc.ipV4(), (text) => {
      expect(formatAddress(parseAddress(text)!)).toBe(text);
    }),
  );
});

test("a network contains its hosts and not its neighbours", () => {
  const cidr = parseCidr("10.9.0.0/24")!;
  expect(hostRange(cidr)).toEqual({ start: "10.9.0.1", end: "10.9.0.254" });
  expect(contains(cidr, parseAddress("10.9.0.255")!)).toBe(true);
  expect(contains(cidr, parseAddress("10.9.1.0")!)).toBe(false);
});

test.each(["10.9.0.1/24", "10.9.0.0/33", "10.9.0.0", "10.9.0/24", "10.9.0.0/24/8", "300.0.0.0/8", "a/8"])(
  "%s is no network",
  (text) => {
    expect(parseCidr(text)).toBeUndefined();
  },
);

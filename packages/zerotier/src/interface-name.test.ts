import fc from "fast-check";
import { expect, test } from "vitest";
import { deviceName } from "../../testing/src/zerotier/names.js";
import { interfaceName } from "./interface-name.js";

test.each([
  // ZeroTier's own documentation, and a node that was looked at.
  ["565799d8f6788eec", "ztr2q6cvq2"],
  ["af78bf9436c7ac86", "zthnhhqofq"],
  ["8e64fe49c22054ed", "zty6tn4hjp"],
])("network %s has the interface %s", (id, name) => {
  expect(interfaceName(id)).toBe(name);
  expect(interfaceName(id.toUpperCase())).toBe(name);
});

test("every network has a name that Linux accepts, the same that the emulated daemon uses", () => {
  const digit = fc.constantFrom(..."0123456789abcdef");
  fc.assert(
    fc.property(fc.string({ unit: digit, minLength: 16, maxLength: 16 }), (id) => {
      expect(interfaceName(id)).toMatch(/^zt[a-z2-7]{8}$/);
      expect(interfaceName(id)).toBe(deviceName(id));
    }),
  );
});

test.each(["", "8056c2e21c00000", "8056c2e21c00000g", "8056c2e21c0000011"])("%j is no network id", (id) => {
  expect(() => interfaceName(id)).toThrow(RangeError);
});

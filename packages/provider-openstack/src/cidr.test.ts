import fc from "fast-check";
import { expect, it } from "vitest";
import { readCidr } from "./cidr.js";

it.each([
  ["192.0.2.77/24", "192.0.2.0/24"],
  ["198.51.100.4", "198.51.100.4/32"],
  ["2001:DB8:0:0::5/32", "2001:db8::/32"],
  ["::1", "::1/128"],
  ["0.0.0.0/0", undefined],
  ["::/0", undefined],
])("%s is %s", (given, prefix) => {
  expect(readCidr(given)).toMatchObject({ prefix });
});

it.each(["", "10.0.0.0/33", "10.0.0/8", "fe80::1%eth0", "10.0.0.0/8/8", "::/129", "10.0.0.0/-1"])(
  "%s is none",
  (given) => {
    expect(readCidr(given)).toBeUndefined();
  },
);

it("is the same when it is read again", () => {
  const address = fc.oneof(
    fc.tuple(fc.ipV4(), fc.integer({ min: 1, max: 32 })),
    fc.tuple(fc.ipV6(), fc.integer({ min: 1, max: 128 })),
  );
  fc.assert(
    fc.property(address, ([ip, length]) => {
      const once = readCidr(`${ip}/${length}`);
      expect(once?.prefix).toBeDefined();
      expect(readCidr(once!.prefix!)).toEqual(once);
    }),
  );
});

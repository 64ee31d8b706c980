import fc from "fast-check";
import { expect, test } from "vitest";
import { ownerOf, withMark, withoutMark } from "./mark.js";

const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/);

test("a mark is found again in any text and leaves the text as it was", () => {
  fc.assert(
    fc.property(label, fc.stringMatching(/^([A-Za-z0-9.,]+( [A-Za-z0-9.,]+)*)?$/), (cluster, text) => {
      const marked = withMark(text, cluster);
      expect(ownerOf(marked)).toBe(cluster);
      expect(withoutMark(marked)).toBe(text);
      expect(withMark(marked, cluster)).toBe(marked);
    }),
  );
});

test.each([
  ["multicloud:a", "a"],
  ["rack 4 multicloud:a-b since May", "a-b"],
  ["multicloud:", undefined],
  ["notmulticloud:a", undefined],
  ["multicloud:a.b", undefined],
  ["", undefined],
  [null, undefined],
])("%j belongs to %s", (text, owner) => {
  expect(ownerOf(text)).toBe(owner);
});

import fc from "fast-check";
import { expect, it } from "vitest";
import { lineReader } from "../src/host/line-reader.js";

it("gives the same lines however the bytes are cut", () => {
  const line = fc.string({ unit: "grapheme" }).map((text) => text.replace(/[\r\n]/g, ""));
  fc.assert(
    fc.property(fc.array(line), fc.array(fc.nat({ max: 7 })), (lines, cuts) => {
      const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(""));
      const got: string[] = [];
      const reader = lineReader((text) => got.push(text));
      let at = 0;
      for (const length of cuts) {
        reader.write(bytes.subarray(at, at + length));
        at += length;
      }
      reader.write(bytes.subarray(at));
      reader.end();
      expect(got).toEqual(lines.map((text) => Buffer.from(text).toString()));
    }),
  );
});

it("gives a last line without its end, and cuts CR LF", () => {
  const got: string[] = [];
  const reader = lineReader((text) => got.push(text));
  reader.write(Buffer.from("a\r"));
  reader.write(Buffer.from("\nb\rc\n\nlast"));
  expect(got).toEqual(["a", "b\rc", ""]);
  reader.end();
  expect(got).toEqual(["a", "b\rc", "", "last"]);
});

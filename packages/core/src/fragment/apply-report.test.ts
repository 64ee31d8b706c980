import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseApplyLine } from "./apply-report.js";

describe("parseApplyLine", () => {
  it.each([
    ["@mc\tchanged\tfile /etc/x y", { type: "changed", what: "file /etc/x y" }],
    ["@mc\tdone\t12\t3\r", { type: "done", checked: 12, changed: 3 }],
    ["@mc\tfail\tpackages a b\t100", { type: "failed", what: "packages a b", code: 100 }],
    ["@mc\twarn\tnot now", { type: "warning", message: "not now" }],
    ["@mc\tfile\t/etc/e\t", { type: "file", path: "/etc/e", data: Buffer.alloc(0) }],
    [
      "@mc\tfacts\tdebian\t12\tx86_64\t6.1.0-18-amd64\t2048000\t2",
      {
        type: "facts",
        facts: {
          os: "debian",
          osVersion: "12",
          architecture: "x86_64",
          kernel: "6.1.0-18-amd64",
          memoryMiB: 2000,
          cpus: 2,
        },
      },
    ],
  ])("reads %j", (line, event) => {
    expect(parseApplyLine(line)).toEqual(event);
  });

  it.each([
    "",
    "@mc",
    "@mc\t",
    "@mcx\tdone\t1\t1",
    " @mc\tdone\t1\t1",
    "@mc\tdone\t1",
    "@mc\tdone\t-1\t0",
    "@mc\tfail\tx",
  ])("passes over %j", (line) => {
    expect(parseApplyLine(line)).toBeUndefined();
  });

  it("never throws, whatever a node prints", () => {
    const field = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom("@mc", "done", "fail", "file", "facts", "/x", "7"),
    );
    fc.assert(
      fc.property(fc.array(field, { maxLength: 9 }), (fields) => {
        parseApplyLine(fields.join("\t"));
      }),
    );
  });
});

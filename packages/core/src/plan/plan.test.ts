import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Machine } from "../contracts/provider.js";
import { specDigest } from "../topology/spec-digest.js";
import { formatPlan } from "./format-plan.js";
import { createPlan, type DesiredMachine, diff } from "./plan.js";

const shape = { name: "lab-one-worker-1", role: "worker", size: "small", image: "debian-12" } as const;
const node = (overrides: Partial<DesiredMachine> = {}): DesiredMachine => ({
  name: shape.name,
  site: "one",
  role: "worker",
  size: shape.size,
  image: shape.image,
  spec: specDigest(shape, "boot"),
  ...overrides,
});
const machine = (overrides: Partial<Machine> = {}): Machine => ({
  id: "1",
  name: shape.name,
  role: "worker",
  spec: specDigest(shape, "boot"),
  status: "running",
  size: "small",
  image: "debian-12",
  ...overrides,
});
const only = (desired: DesiredMachine, found?: Machine) =>
  diff([desired], new Map([["one", found ? [found] : []]]))[0];

describe("diff", () => {
  it("creates what is missing and keeps what is as wanted", () => {
    expect(only(node())?.action).toBe("create");
    expect(only(node(), machine())?.action).toBe("keep");
    expect(only(node(), machine({ status: "creating" }))?.action).toBe("keep");
  });

  it("replaces with the fields that changed, old and new where the cloud tells", () => {
    const larger = node({ size: "large", spec: specDigest({ ...shape, size: "large" }, "other boot") });
    expect(only(larger, machine())).toMatchObject({
      action: "replace",
      changes: [{ field: "boot" }, { field: "size", from: "small", to: "large" }],
    });
  });

  it("replaces a failed machine with its fault, and one whose mark is damaged", () => {
    expect(only(node(), machine({ status: "failed", fault: "No valid host" }))).toMatchObject({
      action: "replace",
      changes: [{ field: "failed", from: "No valid host" }],
    });
    expect(only(node(), machine({ spec: "" }))?.action).toBe("replace");
  });

  it("deletes what is ours and no longer wanted; what is being deleted already counts as gone", () => {
    const extra = machine({ id: "2", name: "lab-one-worker-2" });
    expect(diff([node()], new Map([["one", [machine(), extra]]]))).toMatchObject([
      { action: "keep" },
      { action: "delete", node: "lab-one-worker-2" },
    ]);
    expect(only(node(), machine({ status: "deleting" }))?.action).toBe("create");
  });

  it("has nothing to do once it was carried out (property)", () => {
    const digest = fc.constantFrom(specDigest(shape, "a"), specDigest({ ...shape, size: "l" }, "a"), "");
    const nodes = fc.uniqueArray(fc.record({ index: fc.nat(20), spec: digest }), {
      selector: ({ index }) => index,
    });
    fc.assert(
      fc.property(nodes, nodes, (wanted, found) => {
        const desired = wanted.map(({ index, spec }) => node({ name: `n${index}`, spec: spec || "x" }));
        const before = found.map(({ index, spec }) => machine({ name: `n${index}`, spec }));
        const actions = diff(desired, new Map([["one", before]]));
        // Every wanted and every existing name is judged exactly once.
        expect(new Set(actions.map((action) => action.node)).size).toBe(actions.length);
        expect(new Set(actions.map((action) => action.node))).toEqual(
          new Set([...desired, ...before].map(({ name }) => name)),
        );
        const after = desired.map(({ name, spec }) => machine({ name, spec }));
        expect(createPlan("lab", diff(desired, new Map([["one", after]])), { warnings: [] }).unchanged).toBe(
          true,
        );
      }),
    );
  });
});

describe("specDigest", () => {
  it("does not depend on the order of settings and fits a tag", () => {
    const a = specDigest(
      { ...shape, disk: { sizeGiB: 5, type: "x" }, providerOptions: { a: 1, b: [2] } },
      "boot",
    );
    const b = specDigest(
      { ...shape, disk: { type: "x", sizeGiB: 5 }, providerOptions: { b: [2], a: 1 } },
      "boot",
    );
    expect(a).toBe(b);
    expect(a).toMatch(/^[a-z0-9_-]{1,200}$/);
  });
});

describe("formatPlan", () => {
  it("shows what changes and the counts", () => {
    const actions = diff(
      [node({ spec: specDigest({ ...shape, image: "debian-13" }, "boot"), image: "debian-13" })],
      new Map([["one", [machine()]]]),
    );
    expect(formatPlan(createPlan("lab", actions, { warnings: [], monthlyPriceUsd: 24 }))).toBe(
      "~ replace lab-one-worker-1 (one): image: debian-12 → debian-13\n0 to create, 1 to replace, 0 to delete, 0 to keep.\nPrice of the sites that tell: $24.00 a month.",
    );
  });
});

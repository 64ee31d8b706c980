import fc from "fast-check";
import { expect, test } from "vitest";
import { type ApiObject, type Fields, sameValue } from "./api-object.js";
import { builtinTypes } from "./builtin-types.js";
import { fieldsOf, fromFieldsV1, toFieldsV1 } from "./field-set.js";
import { applyConfiguration } from "./server-side-apply.js";

const type = builtinTypes.find(({ kind }) => kind === "Deployment")!;
const name = fc.constantFrom("a", "b", "c");
const scalar = fc.oneof(fc.boolean(), fc.integer({ min: 0, max: 3 }), name);
const env = fc.uniqueArray(fc.record({ name, value: scalar }, { requiredKeys: ["name"] }), {
  selector: (one) => one.name,
});
const containers = fc.uniqueArray(fc.record({ name, image: name, env }, { requiredKeys: ["name"] }), {
  selector: (one) => one.name,
  minLength: 1,
});
const configuration: fc.Arbitrary<ApiObject> = fc
  .record(
    {
      labels: fc.dictionary(name, name),
      finalizers: fc.uniqueArray(name),
      replicas: fc.nat(3),
      selector: fc.dictionary(name, name),
      containers,
      args: fc.array(scalar),
    },
    { requiredKeys: ["containers"] },
  )
  .map(({ labels, finalizers, containers, ...spec }) => ({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "x", ...(labels ? { labels } : {}), ...(finalizers ? { finalizers } : {}) },
    spec: { ...spec, template: { spec: { containers } } },
  }));

const apply = (live: ApiObject | undefined, wanted: ApiObject, manager = "one", force = false) =>
  applyConfiguration(type, live, wanted, { manager, now: 0 }, force);

/** An object without what is empty or in another order: what is left of a list after removals may be both. */
function normal(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(normal);
    const isKeyed = items.every((item) => typeof item === "object" && item !== null && "name" in item);
    return isKeyed ? items.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) : items;
  }
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value)
    .filter(([key]) => key !== "managedFields")
    .map(([key, member]) => [key, key === "finalizers" ? [...member].sort() : normal(member)] as const)
    .filter(
      ([, member]) => !(typeof member === "object" && member !== null && Object.keys(member).length === 0),
    );
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

test("the same configuration again changes nothing", () => {
  fc.assert(
    fc.property(configuration, (wanted) => {
      const once = apply(undefined, wanted);
      expect(sameValue(apply(structuredClone(once), wanted), once)).toBe(true);
    }),
  );
});

test("with one manager, what was applied before leaves no trace", () => {
  fc.assert(
    fc.property(configuration, configuration, (before, wanted) => {
      const changed = apply(apply(undefined, before), wanted);
      expect(normal(changed)).toEqual(normal(apply(undefined, wanted)));
    }),
  );
});

test("forcing gives the forcing manager what it wants, and the other loses what differed", () => {
  fc.assert(
    fc.property(configuration, configuration, (first, second) => {
      const both = apply(apply(undefined, first), second, "two", true);
      const again = apply(structuredClone(both), second, "two");
      expect(sameValue(again, both)).toBe(true);
    }),
  );
});

test("field sets survive their notation", () => {
  fc.assert(
    fc.property(configuration, (object) => {
      const set = fieldsOf(type, object as Fields);
      expect([...fromFieldsV1(toFieldsV1(set))].sort()).toEqual([...set].sort());
    }),
  );
});

import fc from "fast-check";
import { expect, test } from "vitest";
import { changesTo, type DnsRecord, isEmpty } from "./changes.js";

const settings = { name: "a.example.com", comment: "multicloud:lab", ttl: 60, proxied: false };
const address = fc.oneof(
  fc.integer({ min: 1, max: 9 }).map((n) => `198.51.100.${n}`),
  fc.integer({ min: 1, max: 9 }).map((n) => `2001:db8::${n}`),
);
const records = fc
  .uniqueArray(fc.record({ content: address, ttl: fc.constantFrom(60, 300), proxied: fc.boolean() }), {
    selector: ({ content }) => content,
  })
  .map((list) =>
    list.map(
      (record, index): DnsRecord => ({
        ...settings,
        ...record,
        id: String(index),
        type: record.content.includes(":") ? "AAAA" : "A",
      }),
    ),
  );
const wantedAddresses = fc.array(address, { minLength: 1 });

function apply(before: readonly DnsRecord[], changes: ReturnType<typeof changesTo>): DnsRecord[] {
  const after = new Map(before.map((record) => [record.id, record]));
  for (const { id } of changes.deletes) after.delete(id);
  for (const patch of changes.patches) after.set(patch.id, { ...after.get(patch.id)!, ...patch });
  changes.posts.forEach((post, index) => {
    after.set(`new ${index}`, { ...post, id: `new ${index}` });
  });
  return [...after.values()];
}

test("any records become exactly the wanted ones, after which nothing is left to do", () => {
  fc.assert(
    fc.property(records, wantedAddresses, (before, wanted) => {
      const after = apply(before, changesTo(before, wanted, settings));
      expect(after.map(({ content }) => content).sort()).toEqual([...new Set(wanted)].sort());
      expect(after.every(({ ttl, proxied }) => ttl === 60 && !proxied)).toBe(true);
      expect(after.every(({ type, content }) => (type === "AAAA") === content.includes(":"))).toBe(true);
      expect(isEmpty(changesTo(after, wanted, settings))).toBe(true);
    }),
  );
});

test("a right record is never touched, and there are no more operations than differences", () => {
  fc.assert(
    fc.property(records, wantedAddresses, (before, wanted) => {
      const { deletes, patches, posts } = changesTo(before, wanted, settings);
      const right = before.filter(
        (record) => wanted.includes(record.content) && record.ttl === 60 && !record.proxied,
      );
      const touched = [...deletes, ...patches].map(({ id }) => id);
      expect(right.filter(({ id }) => touched.includes(id))).toEqual([]);
      const missing = new Set(wanted.filter((each) => !right.some(({ content }) => content === each))).size;
      expect(patches.length + posts.length).toBe(missing);
    }),
  );
});

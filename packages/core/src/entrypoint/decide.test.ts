import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type DecisionInput, decide, type EntryOpinion } from "./decide.js";

const all = ["192.0.2.1", "192.0.2.2", "198.51.100.3", "198.51.100.4", "2001:db8::1", "2001:db8::2"];
const some = fc.subarray(all).chain((chosen) => fc.shuffledSubarray(chosen, { minLength: chosen.length }));
const opinion = fc.record({
  observer: fc.string(),
  sees: fc.dictionary(fc.constantFrom(...all), fc.constantFrom("up" as const, "down" as const)),
});
const input: fc.Arbitrary<DecisionInput> = fc.record({
  policy: fc.constantFrom("active" as const, "all-healthy" as const),
  current: some,
  entries: some,
  opinions: fc.array(opinion, { maxLength: 7 }),
  gone: fc.subarray(all, { maxLength: 2 }),
  failback: fc.subarray(all, { maxLength: 2 }),
});

const votes = (opinions: readonly EntryOpinion[], address: string, vote: "up" | "down") =>
  opinions.filter(({ sees }) => sees[address] === vote).length;

describe("whatever is observed", () => {
  const always = (holds: (given: DecisionInput, result: ReturnType<typeof decide>) => void) =>
    fc.assert(
      fc.property(input, (given) => holds(given, decide(given))),
      { numRuns: 2_000 },
    );

  it("the last address never leaves", () => {
    always(({ current }, { addresses }) => {
      if (current.length > 0) expect(addresses).not.toEqual([]);
    });
  });

  it("holds nothing but what was there and what is an entry", () => {
    always(({ current, entries }, { addresses }) => {
      for (const address of addresses) expect([...current, ...entries]).toContain(address);
    });
  });

  it("decides the same again once its decision is carried out", () => {
    always((given, { addresses }) => {
      const again = decide({ ...given, current: addresses });
      expect(again).toMatchObject({ addresses, changed: false });
    });
  });

  it("lets an address in only when more observers see it alive than dead", () => {
    always(({ current, opinions, gone }, { addresses }) => {
      for (const address of addresses.filter((each) => !current.includes(each))) {
        expect(votes(opinions, address, "up")).toBeGreaterThan(votes(opinions, address, "down"));
        expect(gone).not.toContain(address);
      }
    });
  });

  it("lets the only address of a family leave only when most see it dead or it is gone", () => {
    always(({ policy, current, opinions, gone = [], failback = [] }, { addresses }) => {
      for (const v6 of [true, false]) {
        const before = current.filter((each) => each.includes(":") === v6);
        const [only] = before;
        if (before.length !== 1 || only === undefined || addresses.includes(only) || gone.includes(only))
          continue;
        if (policy === "active" && addresses.some((each) => failback.includes(each))) continue;
        expect(votes(opinions, only, "down")).toBeGreaterThan(votes(opinions, only, "up"));
      }
    });
  });

  it("holds an address that works when an entry works and the current ones do not", () => {
    always(({ current, entries, opinions, gone = [] }, { addresses }) => {
      const is = (address: string, vote: "up" | "down") =>
        votes(opinions, address, vote) > votes(opinions, address, vote === "up" ? "down" : "up");
      const works = (address: string) => is(address, "up") && !gone.includes(address);
      if (!current.every((each) => gone.includes(each) || is(each, "down")) || !entries.some(works)) return;
      expect(addresses.every(works)).toBe(true);
    });
  });

  it("does not ask who observed first", () => {
    always((given, { addresses }) => {
      expect(decide({ ...given, opinions: [...given.opinions].reverse() }).addresses).toEqual(addresses);
    });
  });

  it("holds at most one address of a family as active", () => {
    always(({ policy, current }, { addresses }) => {
      if (policy !== "active" || addresses.every((each) => current.includes(each))) return;
      for (const v6 of [true, false])
        expect(addresses.filter((each) => each.includes(":") === v6).length).toBeLessThan(2);
    });
  });
});

const home = "192.0.2.1";
const cloud = "192.0.2.2";
const stand = "198.51.100.3";
const sees = (...opinions: Record<string, "up" | "down">[]): EntryOpinion[] =>
  opinions.map((each, index) => ({ observer: `agent-${index}`, sees: each }));
const base = { policy: "active", entries: [home, cloud, stand] } as const;

describe("active", () => {
  it("goes to the most preferred that works", () => {
    const opinions = sees({ [home]: "down", [cloud]: "down", [stand]: "up" });
    expect(decide({ ...base, current: [home], opinions }).addresses).toEqual([stand]);
  });

  it("stays on a stand-by that works when the preferred one is back", () => {
    const opinions = sees({ [home]: "up", [cloud]: "up" });
    expect(decide({ ...base, current: [cloud], opinions })).toMatchObject({
      addresses: [cloud],
      changed: false,
    });
  });

  it("goes back to a preferred one that has worked for long enough, and not to one that is less preferred or dead", () => {
    const opinions = sees({ [home]: "up", [cloud]: "up", [stand]: "up" });
    const given = { ...base, current: [cloud], opinions };
    expect(decide({ ...given, failback: [home] }).addresses).toEqual([home]);
    expect(decide({ ...given, failback: [stand] }).changed).toBe(false);
    const dead = sees({ [home]: "down", [cloud]: "up" });
    expect(decide({ ...given, opinions: dead, failback: [home] }).changed).toBe(false);
  });

  it("takes half of the observers for a doubt", () => {
    const opinions = sees({ [home]: "down", [cloud]: "up" }, { [home]: "up", [cloud]: "up" });
    expect(decide({ ...base, current: [home], opinions }).changed).toBe(false);
  });

  it("leaves an address that is gone, though something answers there", () => {
    const opinions = sees({ [home]: "up", [cloud]: "up" });
    expect(decide({ ...base, current: [home], opinions, gone: [home] }).addresses).toEqual([cloud]);
  });

  it("keeps one address of each family", () => {
    const opinions = sees({ [home]: "up", "2001:db8::1": "up", "2001:db8::2": "up" });
    const entries = [home, "2001:db8::2", "2001:db8::1"];
    expect(decide({ ...base, entries, current: [home], opinions }).addresses).toEqual([home, "2001:db8::2"]);
  });
});

describe("all-healthy", () => {
  it("holds what works, and what nobody is sure of if it was there", () => {
    const opinions = sees({ [home]: "down", [stand]: "up" });
    const decision = decide({ ...base, policy: "all-healthy", current: [home, cloud], opinions });
    expect(decision.addresses).toEqual([cloud, stand]);
  });
});

import { describe, expect, it } from "vitest";
import { choose } from "./entrypoint.js";

const entry = (address: string, site = "home") => ({ address, site });
const entries = [entry("192.0.2.1"), entry("192.0.2.2", "cloud"), entry("192.0.2.3", "cloud")];
const alive = (...addresses: string[]) => entries.filter(({ address }) => addresses.includes(address));

describe("the operator's choice", () => {
  it("is what the record holds, as long as that works", () => {
    expect(choose(["192.0.2.2"], entries, entries)).toEqual(["192.0.2.2"]);
  });

  it("is all that agents put there, as long as all of it works", () => {
    expect(choose(["192.0.2.1", "192.0.2.2"], entries, entries)).toEqual(["192.0.2.1", "192.0.2.2"]);
  });

  it("takes nothing but the dead out of what agents put there", () => {
    const current = ["192.0.2.1", "192.0.2.2"];
    expect(choose(current, entries, alive("192.0.2.2", "192.0.2.3"))).toEqual(["192.0.2.2", "192.0.2.3"]);
  });

  it("is the first that works when nothing of the record does, or it is no entry any more", () => {
    expect(choose(["192.0.2.1"], entries, alive("192.0.2.2", "192.0.2.3"))).toEqual(["192.0.2.2"]);
    expect(choose(["203.0.113.9"], entries, alive("192.0.2.3"))).toEqual(["192.0.2.3"]);
    expect(choose([], entries, entries)).toEqual(["192.0.2.1"]);
  });

  it("is what there is when nothing works: the record's, otherwise the first", () => {
    expect(choose(["192.0.2.2"], entries, [])).toEqual(["192.0.2.2"]);
    expect(choose(["203.0.113.9"], entries, [])).toEqual(["192.0.2.1"]);
  });
});

import { expect, it } from "vitest";
import { createBoard } from "../src/agent/board.js";
import type { AgentClock } from "../src/agent/clock.js";
import { createElection } from "../src/agent/election.js";
import type { Lease } from "../src/agent/leases.js";
import { createRecordKeeper } from "../src/agent/record-keeper.js";
import { defaultTiming } from "../src/agent/settings.js";

// A machine that is paused takes its clock along: what it thinks is a moment may have been minutes.
const clock: AgentClock = {
  now: () => 0,
  date: () => new Date(0),
  sleep: (_ms, signal) =>
    new Promise((_, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
    }),
};

/** The API server's one lease, which others may take. */
function oneLease() {
  let kept: Lease | undefined;
  const write = (holder: string) => {
    const version = String(Number(kept?.version ?? 0) + 1);
    kept = { name: "agent", holder, version, transitions: 0, annotations: {}, uid: "" };
    return kept;
  };
  return {
    write,
    leases: {
      list: async () => (kept ? [kept] : []),
      write: async (_name: string, { holder }: { readonly holder: string }, version: string | undefined) =>
        version === kept?.version ? write(holder) : undefined,
    },
  };
}

it("a leader that stood still finds out right before it writes, though its clock says nothing", async () => {
  const { leases, write } = oneLease();
  const board = createBoard(defaultTiming, "agent.", "home-1");
  board.look([], clock.now());
  const stop = new AbortController();
  const election = createElection({
    clock,
    leases,
    board,
    timing: defaultTiming,
    leaseName: "agent",
    self: "home-1",
    record: () => [],
    random: () => 0,
    onError: (error) => expect.fail(String(error)),
  });
  const run = election.run(stop.signal);
  // The first tick takes the lease.
  for (let turn = 0; turn < 50 && !election.leads(); turn++) await Promise.resolve();
  const { term } = election;
  expect(term?.aborted).toBe(false);
  expect(await election.confirm(stop.signal)).toBe(true);
  write("cloud-1");
  expect(election.leads()).toBe(true);
  expect(await election.confirm(stop.signal)).toBe(false);
  expect([election.leads(), term?.aborted]).toEqual([false, true]);
  stop.abort();
  await run;
});

it("nothing is written by who may not, and it is asked again after a pause when nobody can tell", async () => {
  let may: () => Promise<boolean> = async () => false;
  let now = 0;
  let asked = 0;
  const written: (readonly string[])[] = [];
  const keeper = createRecordKeeper({
    clock: { ...clock, now: () => now },
    timing: defaultTiming,
    settings: { policy: "active" },
    dns: {
      get: async () => ["203.0.113.1"],
      set: async (addresses) => {
        written.push(addresses);
        return true;
      },
    },
    random: () => 0,
    mayWrite() {
      asked += 1;
      return may();
    },
    failingSince: () => undefined,
    onSwitch: () => {},
    onFailure: () => {},
  });
  const situation = {
    entries: ["203.0.113.1", "198.51.100.1"],
    known: ["203.0.113.1", "198.51.100.1"],
    rankOf: () => 0,
    opinions: [{ observer: "home-1", sees: { "203.0.113.1": "down", "198.51.100.1": "up" } as const }],
    left: [],
    claimed: new Set(["203.0.113.1", "198.51.100.1"]),
  };
  const { signal } = new AbortController();
  await keeper.keep(situation, signal);
  expect([asked, written]).toEqual([1, []]);
  may = () => Promise.reject(new Error("no answer"));
  await expect(keeper.keep(situation, signal)).rejects.toThrow("no answer");
  await keeper.keep(situation, signal);
  expect(asked).toBe(2);
  may = async () => true;
  now = 600;
  await keeper.keep(situation, signal);
  expect(written).toEqual([["198.51.100.1"]]);
});

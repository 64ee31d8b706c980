import type { CallContext } from "@multicloud/core/plugin";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { NetworkMember, ZeroTierController } from "./controllers/controller.js";
import { createMemberDirectory } from "./member-directory.js";

const member = (id: string): NetworkMember => ({
  id,
  name: "",
  description: "",
  owner: undefined,
  authorized: false,
  addresses: [],
});
const callWith = (signal: AbortSignal = new AbortController().signal): CallContext => ({
  cluster: "c1",
  signal,
  dialer: () => Promise.reject(new Error("no dialling here")),
  report() {},
});

interface Pending {
  readonly signal: AbortSignal;
  answer(members: readonly NetworkMember[]): void;
  fail(error: Error): void;
}
let calls: Pending[];
const controller = {
  listMembers: ({ signal }: CallContext) =>
    new Promise<readonly NetworkMember[]>((answer, fail) => {
      calls.push({ signal, answer, fail });
    }),
} as unknown as ZeroTierController;

beforeEach(() => {
  calls = [];
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("callers within a second share one call; a later one asks again", async () => {
  const directory = createMemberDirectory(controller, "n");
  const lists = [directory.list(callWith()), directory.list(callWith())];
  calls[0]!.answer([member("a")]);
  for (const list of await Promise.all(lists)) expect([...list.keys()]).toEqual(["a"]);
  vi.advanceTimersByTime(900);
  await directory.list(callWith());
  expect(calls).toHaveLength(1);
  vi.advanceTimersByTime(200);
  directory.list(callWith());
  expect(calls).toHaveLength(2);
});

test("a caller that needs a newer list than the shared one gets its own", () => {
  const directory = createMemberDirectory(controller, "n");
  directory.list(callWith());
  vi.advanceTimersByTime(10);
  directory.list(callWith(), Date.now());
  expect(calls).toHaveLength(2);
});

test("one caller's abort ends its own wait and not the others'", async () => {
  const directory = createMemberDirectory(controller, "n");
  const stop = new AbortController();
  const aborted = directory.list(callWith(stop.signal));
  const patient = directory.list(callWith());
  stop.abort(new Error("enough"));
  await expect(aborted).rejects.toThrow("enough");
  expect(calls[0]!.signal.aborted).toBe(false);
  calls[0]!.answer([member("a")]);
  expect((await patient).size).toBe(1);
});

test("the call ends when its last caller is gone, and the next one asks anew", async () => {
  const directory = createMemberDirectory(controller, "n");
  const stop = new AbortController();
  const aborted = directory.list(callWith(stop.signal));
  stop.abort(new Error("enough"));
  await expect(aborted).rejects.toThrow("enough");
  expect(calls[0]!.signal.aborted).toBe(true);
  directory.list(callWith());
  expect(calls).toHaveLength(2);
});

test("a failure reaches all who wait and is not kept", async () => {
  const directory = createMemberDirectory(controller, "n");
  const list = directory.list(callWith());
  calls[0]!.fail(new Error("broken"));
  await expect(list).rejects.toThrow("broken");
  directory.list(callWith());
  expect(calls).toHaveLength(2);
});

test("own writes are seen in a list that was asked for before them", async () => {
  const directory = createMemberDirectory(controller, "n");
  const list = directory.list(callWith());
  directory.note("a", { ...member("a"), authorized: true });
  directory.note("b", undefined);
  calls[0]!.answer([member("a"), member("b")]);
  expect([...(await list).values()]).toEqual([{ ...member("a"), authorized: true }]);
});

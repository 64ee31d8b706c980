import type { SiteContext } from "@multicloud/core/plugin";
import { beforeEach, expect, it, onTestFinished, vi } from "vitest";
import type { OpenStackClient, Server } from "./client/index.js";
import { createKnownServers } from "./known-servers.js";

const call: SiteContext = {
  cluster: "lab",
  site: "home",
  signal: new AbortController().signal,
  dialer: () => Promise.reject(new Error("not dialled in this test")),
  report: () => {},
};

function server(node: string, more: Partial<Server> = {}): Server {
  const metadata = { "multicloud-cluster": "lab", "multicloud-site": "home", "multicloud-node": node };
  return { id: node, name: node, status: "ACTIVE", metadata, addresses: {}, flavor: {}, image: "", ...more };
}

/** A cloud whose lists are counted, and answered when told to. */
function project(servers: Server[]) {
  let lists = 0;
  let hold: Promise<void> = Promise.resolve();
  const listServers = async () => {
    lists += 1;
    const now = [...servers];
    await hold;
    return now;
  };
  const known = createKnownServers({ nova: { listServers } } as unknown as OpenStackClient);
  return {
    known,
    lists: () => lists,
    /** Lets no list be answered until the given function is called. */
    hold() {
      let release = () => {};
      hold = new Promise((resolve) => {
        release = resolve;
      });
      return release;
    },
  };
}

let now: number;
beforeEach(() => {
  now = 1_000_000;
  const clock = vi.spyOn(performance, "now").mockImplementation(() => (now += 0.01));
  onTestFinished(() => clock.mockRestore());
});

it("serves the creations of ten seconds with one list, and with any that was made for another reason", async () => {
  const { known, lists } = project([server("a"), server("going", { "OS-EXT-STS:task_state": "deleting" })]);
  const found = await Promise.all(["a", "b", "going"].map((node) => known.has(call, node)));
  expect(found).toEqual([true, false, false]);
  expect(await known.has({ ...call, site: "attic" }, "a")).toBe(false);
  expect(lists()).toBe(1);
  now += 9_000;
  await known.has(call, "c");
  expect(lists()).toBe(1);
  now += 2_000;
  await known.has(call, "c");
  expect(lists()).toBe(2);
  now += 9_000;
  await known.list(call);
  now += 9_000;
  await known.has(call, "c");
  expect(lists()).toBe(3);
});

it("knows what it made until a later list knows better", async () => {
  const servers = [server("a")];
  const { known, hold } = project(servers);
  expect(await known.has(call, "b")).toBe(false);
  // A list that began before the creation was answered does not show it.
  const release = hold();
  const early = known.list(call);
  known.made(call, "b");
  release();
  await early;
  expect(await known.has(call, "b")).toBe(true);
  await known.list(call);
  expect(await known.has(call, "b")).toBe(false);
});

it("trusts no list from before a deletion, also one that is still under way", async () => {
  const servers = [server("a")];
  const { known, lists, hold } = project(servers);
  const release = hold();
  const early = known.has(call, "a");
  servers.pop();
  known.forget();
  const late = known.has(call, "a");
  release();
  expect(await late).toBe(false);
  expect(await early).toBe(false);
  expect(lists()).toBe(2);
});

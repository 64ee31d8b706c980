import { readFile } from "node:fs/promises";
import { expect, it, onTestFinished, vi } from "vitest";
import { openstack } from "../src/index.js";
import { createContext, createTestWorld, request, shape, shared, startCloud, until } from "./sandbox.js";
import { watchFetch } from "./suite/watch.js";

const header = "| machines | plan, nothing there | create all | settle, each look | plan, no change |";

/** What one machine, or one page, costs; the README has the numbers. */
async function countCalls(count: number): Promise<string> {
  const unlimited = { instances: -1, cores: -1, ram: -1, ports: -1 };
  const cloud = await startCloud(createTestWorld(), {
    quotas: unlimited,
    networks: [{ name: "homenet", kind: "lan", cidr: "10.20.0.0/16" }],
  });
  const { fetch, lap } = watchFetch();
  const context = createContext();
  const provider = () => openstack({ cloud: "home", cloudsFile: cloud.cloudsFile, fetch });
  const names = Array.from({ length: count }, (_, n) => `multicloud-home-worker-${n + 1}`);
  const machines = names.map((name) => shape(name));

  const first = provider();
  await first.list(context);
  await first.check(context, { machines, toCreate: names });
  const planned = lap();
  const second = provider();
  await second.ensureShared(context, shared);
  const waiting = [...names];
  const work = async () => {
    for (let name = waiting.shift(); name; name = waiting.shift())
      await second.create(context, [request(name)]);
  };
  await Promise.all(Array.from({ length: 8 }, work));
  const created = lap();
  await second.list(context);
  const look = lap();
  await until(
    () => second.list(context),
    (list) => list.length === count && list.every(({ status }) => status === "running"),
  );
  lap();
  const third = provider();
  await third.list(context);
  await third.check(context, { machines, toCreate: [] });
  await third.list(context);
  return `| ${[count, planned, created, look, lap()].join(" | ")} |`;
}

it("costs calls by the machine to create, and by the page to look and to plan", async () => {
  // A look serves the creations of ten seconds: on a busy machine that must not be more of them.
  let now = performance.now();
  const clock = vi.spyOn(performance, "now").mockImplementation(() => (now += 0.001));
  onTestFinished(() => clock.mockRestore());
  const rows = [await countCalls(6), await countCalls(60), await countCalls(600)];
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  const table = [header, header.replace(/[^|]+/g, " --- "), ...rows].join("\n");
  console.log(table);
  expect(readme).toContain(table);
});

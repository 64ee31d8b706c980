import { readFile } from "node:fs/promises";
import type { SiteContext } from "@multicloud/core/plugin";
import { watchFetch } from "@multicloud/testing/conformance";
import { expect, test } from "vitest";
import { names, request, setUp, shared, siteContext, until } from "./fixture.js";

const header =
  "| droplets | plan, nothing there | create all | settle, each look | plan, no change | up, no change |";

/** What a site costs in API calls, made as core makes it; the README has the numbers. */
async function countCalls(count: number): Promise<string> {
  const { world, cloud, provider } = await setUp({
    cloud: { dropletLimit: count },
    provider: { requestsPerMinute: 100_000 },
  });
  const watch = watchFetch(({ origin }) => origin === cloud.url);
  let counted = 0;
  const lap = () => {
    const calls = watch.count() - counted;
    counted = watch.count();
    return calls;
  };
  const context: SiteContext = siteContext();
  const machines = names("worker", count).map((name) => request(name));
  const key = shared();

  const first = provider();
  await first.list(context);
  await first.check(context, { machines, toCreate: machines.map(({ name }) => name) });
  const planned = lap();
  const second = provider();
  await second.ensureShared(context, key);
  // In batches of ten, sixteen of them at once.
  for (let start = 0; start < count; start += 160) {
    const wave = machines.slice(start, start + 160);
    const batches = Array.from({ length: Math.ceil(wave.length / 10) }, (_, n) =>
      wave.slice(n * 10, n * 10 + 10),
    );
    await Promise.all(batches.map((batch) => second.create(context, batch)));
  }
  const created = lap();
  await second.list(context);
  const look = lap();
  await until(() => world.booted.size === count);
  const third = provider();
  await third.list(context);
  await third.check(context, { machines, toCreate: [] });
  const same = lap();
  await third.ensureShared(context, key);
  await third.list(context);
  const row = [count, planned, created, look, same, same + lap()];
  watch.close();
  await cloud.close();
  return `| ${row.join(" | ")} |`;
}

test("costs calls by ten droplets to create, and by the page to look and to plan", async () => {
  const rows = [await countCalls(6), await countCalls(60), await countCalls(600)];
  const table = [header, header.replace(/[^|]+/g, " --- "), ...rows].join("\n");
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  expect(readme, table).toContain(table);
});

import { expect, it } from "vitest";
import { shape, shared, small } from "../sandbox.js";
import type { Bench } from "./bench.js";
import { watchFetch } from "./watch.js";

/** Many machines. */
export function scaleCases(bench: Bench): void {
  const { site, provider, settled, clean } = bench;

  it("makes many machines with calls by the machine, and looks at them by the page", async ({ skip }) => {
    if (bench.cloud.many === 0) skip("this run has no time for it");
    const context = site("many");
    const watched = watchFetch();
    const own = provider("home", { fetch: watched.fetch });
    const names = Array.from({ length: bench.cloud.many }, (_, n) => `many-home-worker-${n + 1}`);
    const machines = names.map((node) => shape(node, { size: "g1.small" }));
    const started = performance.now();
    await own.check(context, { machines, toCreate: names });
    const planned = watched.lap();
    await own.ensureShared(context, shared);
    const waiting = [...names];
    const work = async () => {
      for (let node = waiting.shift(); node; node = waiting.shift()) await own.create(context, [small(node)]);
    };
    await Promise.all([1, 2, 3, 4, 5, 6].map(work));
    const created = watched.lap();
    const made = await settled(context);
    const seconds = (performance.now() - started) / 1000;
    expect(made.filter(({ status }) => status === "running")).toHaveLength(bench.cloud.many);
    watched.lap();
    await own.list(context);
    const look = watched.lap();
    await own.check(context, { machines, toCreate: [] });
    const unchanged = watched.lap();
    console.log(
      `${bench.cloud.many} machines: check ${planned} calls, shared and create ${created}, one look ${look}, check with no change ${unchanged}; all running after ${seconds.toFixed(0)} s`,
    );
    // One more after the last full page.
    expect(look).toBe(Math.floor(bench.cloud.many / bench.cloud.homePageSize) + 1);
    expect(unchanged).toBeLessThan(30);
    // A look serves the creations of ten seconds.
    expect(created).toBeLessThan(1.5 * bench.cloud.many + 40);
    await clean(context);
  });
}

import { afterEach, expect, test } from "vitest";
import { type Lab, openLab, type Shape } from "./lab.js";

let lab: Lab;
afterEach(() => lab.close());

const pollMs = 100;

test("calls grow with the sites, not with the machines", async () => {
  const small = await measure({ ramnode: [1, 1], digitalocean: [0, 1] });
  const large = await measure({ ramnode: [1, 4], digitalocean: [0, 4] });
  expect(large.machines).toBe(9);

  // A run that finds nothing to do makes as many calls for 9 machines as for 3. ZeroTier's may look more often, for the
  // list of members counts for a second only.
  const { zerotier = 0, ...others } = large.unchanged;
  const { zerotier: few = 0, ...same } = small.unchanged;
  expect(others).toEqual(same);
  expect(zerotier).toBeLessThanOrEqual(few + Math.ceil(large.unchangedMs / 1_000));

  for (const run of [small, large]) {
    // Machines are never asked for one by one, and those of a site are listed once a tick, however many are waited for.
    expect(run.single).toBe(0);
    const ticks = Math.ceil(run.elapsedMs / pollMs);
    expect(run.lists.digitalocean).toBeLessThanOrEqual(ticks + 3);
    // Nova takes one creation at a time, and each looks whether it was made already.
    expect(run.lists.ramnode - run.created).toBeLessThanOrEqual(ticks + 3);
  }
});

/** Calls of a first `up()`, and of one with nothing to do. */
async function measure(shape: Shape) {
  lab = await openLab();
  const cluster = lab.cluster(shape, { timing: { pollMs } });
  const started = performance.now();
  await cluster.up();
  const elapsedMs = performance.now() - started;
  const { nova } = lab.services.openstacks.find(({ name }) => name === "ramnode")!.calls;
  const droplets = lab.services.digitalocean.calls;
  const matching = (calls: typeof nova, method: string, path: RegExp) =>
    calls.filter((call) => call.method === method && path.test(call.path)).length;
  const result = {
    elapsedMs,
    machines: lab.world.machines.all().length - 1,
    created: matching(nova, "POST", /\/servers$/),
    lists: {
      ramnode: matching(nova, "GET", /\/servers\/detail$/),
      digitalocean: matching(droplets, "GET", /\/droplets$/),
    },
    single: matching([...nova, ...droplets], "GET", /\/(servers|droplets)\/(?!detail$)[^/]+$/),
  };
  const before = lab.calls();
  const again = performance.now();
  await cluster.up();
  const unchangedMs = performance.now() - again;
  const calls = Object.entries(lab.calls());
  const unchanged = Object.fromEntries(calls.map(([name, count]) => [name, count - (before[name] ?? 0)]));
  await lab.close();
  return { ...result, unchanged, unchangedMs };
}

import fc from "fast-check";
import { afterEach, expect, test } from "vitest";
import { parse } from "yaml";
import { timingFor } from "../../src/distribution/etcd-timing.js";
import { type K3sOptions, k3s } from "../../src/index.js";
import { errorOf, type Fixture, quick, setUp } from "./fixture.js";

let fixture: Fixture | undefined;
afterEach(async () => {
  await fixture?.close();
  fixture = undefined;
});

async function apart(ms: number, options: K3sOptions = {}, names = ["lab-a-master-1", "lab-b-master-1"]) {
  const lab = await setUp(k3s({ ...quick, ...options }), names);
  fixture = lab;
  for (const { name } of lab.nodes) lab.machine(name).attachments.set("round-trip-ms", ms);
  return lab;
}

test("an election is at least ten round trips, and no longer than etcd allows", () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 5_000, noNaN: true }), (ms) => {
      const { heartbeatMs, electionMs } = timingFor(ms);
      expect(electionMs).toBeGreaterThanOrEqual(10 * ms);
      expect(heartbeatMs).toBeGreaterThanOrEqual(ms);
      expect(electionMs).toBeLessThanOrEqual(50_000);
    }),
  );
});

test("masters that are near need no more than the defaults, and nothing is said", async () => {
  const lab = await apart(20);
  await lab.up();
  expect(parse(lab.config("lab-b-master-1"))["etcd-arg"]).toEqual([
    "heartbeat-interval=500",
    "election-timeout=5000",
  ]);
  expect(lab.reports.filter((report) => report.type === "log" && report.level === "warn")).toEqual([]);
});

test("over 100 ms there is a warning that names the pair", async () => {
  const lab = await apart(140);
  await lab.up();
  expect(lab.logs().join("\n")).toMatch(/lab-a-master-1 and lab-b-master-1 are 140 ms apart/);
});

test("over the maximum it is refused before the first effect, unless forced", async () => {
  const lab = await apart(720);
  const effects = lab.world.effects.all.length;
  expect(await errorOf(lab.up())).toMatchObject({ code: "OVERLAY_FAILED", node: "lab-a-master-1" });
  expect(lab.effectsSince(effects)).toEqual([]);
  const forced = k3s({ ...quick, etcd: { force: true } });
  await forced.up(lab.context(), lab.nodes);
  expect(parse(lab.config("lab-a-master-1"))["etcd-arg"]).toEqual([
    "heartbeat-interval=800",
    "election-timeout=8000",
  ]);
});

test("what was decided stays while no master comes, however the network is today", async () => {
  const lab = await apart(20);
  await lab.up();
  for (const { name } of lab.nodes) lab.machine(name).attachments.set("round-trip-ms", 400);
  await lab.loseState();
  expect((await lab.up()).changed).toBe(false);
});

test("what the user says of it counts", async () => {
  const lab = await apart(20, {
    server: { "etcd-arg": ["election-timeout=9000", "quota-backend-bytes=4294967296"] },
  });
  await lab.up();
  expect(parse(lab.config("lab-a-master-1"))["etcd-arg"]).toEqual([
    "heartbeat-interval=500",
    "election-timeout=9000",
    "quota-backend-bytes=4294967296",
  ]);
});

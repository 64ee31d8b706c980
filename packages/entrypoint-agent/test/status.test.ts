import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { createMetrics } from "../src/agent/metrics.js";
import { startAgent } from "../src/agent/run-agent.js";
import { defaultTiming } from "../src/agent/settings.js";
import { serveStatus } from "../src/agent/status-server.js";
import { cloud, home, type Lab, openLab, type Way } from "./lab.js";
import { virtualTime } from "./virtual-time.js";

const { probeIntervalMs, probeTimeoutMs, failures } = defaultTiming;

describe("/healthz", () => {
  let server: Server;
  afterEach(() => {
    server.close();
    server.closeAllConnections();
  });

  /** Serves what an agent says of itself; gives what is answered. */
  async function serve(agent: Parameters<typeof serveStatus>[0]) {
    server = serveStatus(agent, 0);
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    return async (path: string, method = "GET") => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, { method });
      return [response.status, await response.text()];
    };
  }

  it("answers 503 while the agent is not healthy, and nothing but what there is", async () => {
    let healthy = true;
    const ask = await serve({ healthy: () => healthy, metrics: createMetrics() });
    expect(await ask("/healthz")).toEqual([200, "ok\n"]);
    expect(await ask("/healthz?verbose", "HEAD")).toEqual([200, ""]);
    healthy = false;
    expect(await ask("/healthz")).toEqual([503, "stands still\n"]);
    expect(await ask("/healthz", "HEAD")).toEqual([503, ""]);
    expect((await ask("/metrics"))[0]).toBe(200);
    expect((await ask("/healthz", "POST"))[0]).toBe(405);
    expect((await ask("/"))[0]).toBe(404);
  });

  it("answers 503 once the agent's loops stand still for 15 s, and 200 however long no service answers", async () => {
    const time = virtualTime();
    const clock = time.clock();
    const stop = new AbortController();
    let still = false;
    const ending = (signal?: AbortSignal) =>
      new Promise<never>((_, reject) =>
        signal?.addEventListener("abort", () => reject(signal.reason), { once: true }),
      );
    const nothing = async () => Promise.reject(new Error("connect ECONNREFUSED"));
    const agent = startAgent(
      {
        cluster: "lab",
        name: "agent",
        namespace: "agent",
        record: "*.apps.example.com",
        policy: "active",
        prefer: [],
        probe: { kind: "tcp" },
        addresses: { home: [home] },
        addressSources: [],
        timing: {},
        dns: {},
        statusPort: 0,
      },
      "home-1",
      {
        clock: { ...clock, sleep: (ms, signal) => (still ? ending(signal) : clock.sleep(ms, signal)) },
        kubernetes: { call: nothing },
        dns: { get: nothing, set: nothing },
        probe: nothing,
        findAddresses: nothing,
        random: () => 0.5,
        log: () => {},
      },
      stop.signal,
    );
    const ask = await serve(agent);
    await time.pass(120_000);
    expect(await ask("/healthz")).toEqual([200, "ok\n"]);
    still = true;
    await time.pass(13_000);
    expect(await ask("/healthz")).toEqual([200, "ok\n"]);
    await time.pass(3_500);
    expect(await ask("/healthz")).toEqual([503, "stands still\n"]);
    stop.abort();
    await agent.ended();
  });
});

describe("the numbers", () => {
  let lab: Lab;
  afterEach(() => lab.close());
  /** What follows a metric's name, of all its values. */
  const metricsOf = (name: string, metric: string) => {
    const lines = lab.node(name).agent.metrics.text().split("\n");
    return lines.filter((line) => line.startsWith(metric)).map((line) => line.slice(metric.length).trim());
  };

  it("tell how long the last switch took, from the first probe that failed until the record was right", async () => {
    lab = await openLab();
    await lab.ready();
    const [leader = ""] = lab.leaders();
    for (const [lost, next] of [
      [home, cloud],
      [cloud, "198.51.100.2"],
    ] as const) {
      expect(lab.record()).not.toContain(next);
      const lostAt = lab.time.now();
      lab.dead.add(lost);
      await lab.time.until("the record to be right", () => lab.record().join() === next, 10_000);
      await lab.time.pass(500);
      const asked = lab.probes.find(
        ({ node, address, at }) => node === leader && address === lost && at >= lostAt,
      );
      const failedAt = (asked?.at ?? 0) + probeTimeoutMs;
      const rightAt = lab.switches.at(-1)?.at ?? 0;
      const seconds = Number(metricsOf(leader, "entrypoint_switch_seconds")[0]);
      // The answer takes 15 ms to come back.
      expect(seconds).toBeCloseTo((rightAt - failedAt) / 1_000 + 0.015, 3);
      // Two more probes fail, each begun half a second after the one before.
      expect(seconds).toBeGreaterThan((failures - 1) * 0.5);
      expect(seconds).toBeLessThan(10);
    }
    expect(metricsOf(leader, "entrypoint_switches_total")).toEqual(["2"]);
    for (const { name } of lab.agents)
      if (name !== leader) expect(metricsOf(name, "entrypoint_switch")).toEqual([]);
  });

  it("count each call of the DNS service that failed, by code", async () => {
    lab = await openLab();
    await lab.ready();
    const [leader = ""] = lab.leaders();
    const failed = () => metricsOf(leader, "entrypoint_dns_failures_total");
    expect(failed()).toEqual([]);
    lab.dead.add(home);
    const calls: number[] = [];
    for (const way of ["refuse", { status: 429 }, { status: 503 }] as const satisfies readonly Way[]) {
      const before = lab.dnsCalls();
      lab.node(leader).dns = way;
      await lab.time.until("two calls", () => lab.dnsCalls() - before === 2, 90_000);
      await lab.time.pass(100);
      calls.push(lab.dnsCalls() - before);
    }
    expect(calls).toEqual([2, 2, 2]);
    const counted = [
      '{code="SERVICE_UNREACHABLE"} 2',
      '{code="RATE_LIMITED"} 2',
      '{code="SERVICE_FAILED"} 2',
    ];
    expect(failed()).toEqual(counted);
    lab.node(leader).dns = "works";
    await lab.time.until("the record to be right", () => lab.record().join() === cloud);
    await lab.time.pass(1_000);
    expect(failed()).toEqual(counted);
    expect(lab.leaders()).toEqual([leader]);
  });

  it.each([probeIntervalMs, 5_000])(
    "are of probes every %i ms, a tenth more or less, and not in step",
    async (ms) => {
      lab = await openLab({ options: { timing: { probeIntervalMs: ms } } });
      await lab.ready();
      const from = lab.time.now();
      await lab.time.pass(30_000);
      for (const { name } of lab.agents) {
        const starts = lab.probes.filter(
          ({ node, address, at }) => node === name && address === home && at >= from,
        );
        const intervals = starts.slice(1).map(({ at }, index) => at - (starts[index]?.at ?? 0));
        expect(intervals.length).toBeGreaterThanOrEqual(Math.floor(30_000 / (1.1 * ms)) - 1);
        for (const interval of intervals) {
          expect(interval).toBeGreaterThanOrEqual(0.9 * ms);
          expect(interval).toBeLessThanOrEqual(1.1 * ms);
        }
        expect(new Set(intervals).size).toBeGreaterThan(intervals.length / 2);
      }
    },
  );
});

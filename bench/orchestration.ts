// Wall time of `up()` over the lower bound computed from the sandbox's latencies, and API calls per site.
// npm run bench:orchestration [-- --sizes 6,100] [--scale 1] [--verbose] [--events file]
import { fork } from "node:child_process";
import { once } from "node:events";
import { appendFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { certManager, helloWorld, longhorn } from "@multicloud/addons";
import { multicloud } from "@multicloud/core";
import { formatTable } from "@multicloud/core/terminal";
import { cloudflare } from "@multicloud/dns-cloudflare";
import { digitalocean } from "@multicloud/provider-digitalocean";
import { openstack } from "@multicloud/provider-openstack";
import { rke } from "@multicloud/rke";
import { socks5Dialer } from "@multicloud/ssh";
import type { Sandbox, Timing } from "@multicloud/testing";
import { zerotier } from "@multicloud/zerotier";
import { lowerBound } from "./lower-bound.js";

const { values } = parseArgs({
  options: {
    sizes: { type: "string", default: "6,100" },
    scale: { type: "string", default: "1" },
    verbose: { type: "boolean", default: false },
    // One JSON event a line, with the milliseconds since the start of its run.
    events: { type: "string" },
  },
});
const scale = Number(values.scale);
const rows: string[][] = [];

for (const size of values.sizes.split(",").map(Number)) {
  const child = fork(new URL("sandbox-process.ts", import.meta.url), [JSON.stringify({ scale })], {
    stdio: "inherit",
  });
  const [world] = (await once(child, "message")) as [
    Pick<Sandbox, "env" | "socks" | "home" | "stateDirectory"> & { timing: Timing },
  ];
  Object.assign(process.env, world.env);

  const pools = (site: number, machine: { size: string; image: string }) => ({
    masters: { count: 1, ...machine },
    workers: { count: Math.floor((size + site) / 3) - 1, ...machine },
    // All machines of a site at once; the default is gentler to small clouds.
    concurrency: size,
  });
  const small = { size: "g1.medium", image: "debian-12" };
  const { home } = world;
  const engine = rke();
  const cluster = multicloud({
    name: "bench",
    sites: {
      home: {
        provider: openstack({ cloud: "home" }),
        ...pools(0, small),
        nat: { publicAddress: home.router },
        jump: home.jump,
      },
      ramnode: { provider: openstack({ cloud: "ramnode" }), ...pools(1, small) },
      digitalocean: {
        provider: digitalocean({ region: "fra1" }),
        ...pools(2, { size: "s-2vcpu-4gb", image: "debian-12-x64" }),
      },
    },
    overlay: zerotier({ network: home.network }),
    engine,
    entrypoint: cloudflare({ zone: home.zone, record: "*.apps" }),
    addons: [
      longhorn({ manifest: home.manifests.longhorn }),
      certManager({ email: home.email, manifest: home.manifests.certManager }),
      helloWorld({ host: `hello.apps.${home.zone}` }),
    ],
    dialer: socks5Dialer(world.socks),
    state: world.stateDirectory,
    timing: { pollMs: 2_000 * scale },
  });

  const node = { name: "n", site: "s", role: "worker", labels: {}, jump: [] } as const;
  const bound = lowerBound({
    timing: world.timing,
    machines: size,
    packages: engine.prepare(node, "multicloud").packages?.length ?? 0,
    // The emulated `rke up` waits after etcd, the control plane, the workers and the add-ons.
    engineSteps: 4,
    overlayRequestsPerSecond: 20,
  });
  const boundMs = bound.reduce((sum, [, ms]) => sum + ms, 0) * scale;
  const cpuBefore = process.cpuUsage();
  const started = performance.now();
  const run = cluster.up();
  for await (const event of run) {
    if (values.events)
      appendFileSync(
        values.events,
        `${JSON.stringify({ ms: Math.round(performance.now() - started), ...event })}\n`,
      );
    if (event.type === "step-end" && !event.ok)
      process.stderr.write(`${event.step.id}: ${event.error?.message}\n`);
  }
  const { timings } = await run;
  const cpu = process.cpuUsage(cpuBefore);
  child.send("calls");
  const [calls] = (await once(child, "message")) as [Record<string, number>];
  const ratio = timings.totalMs / boundMs;

  process.stdout.write(
    `\n${size} machines: wall ${(timings.totalMs / 1000).toFixed(1)} s, lower bound ${(boundMs / 1000).toFixed(1)} s, CPU of the orchestrator ${((cpu.user + cpu.system) / 1e6).toFixed(1)} s\n`,
  );
  process.stdout.write(`ratio ${ratio.toFixed(2)}\n`);
  if (values.verbose) {
    process.stdout.write(
      `${formatTable(
        ["BOUND", "SECONDS"],
        bound.map(([part, ms]) => [part, ((ms * scale) / 1000).toFixed(1)]),
      )}\n`,
    );
    process.stdout.write(
      `${formatTable(
        ["CRITICAL PATH", "SECONDS"],
        timings.criticalPath.map(({ id, durationMs }) => [id, (durationMs / 1000).toFixed(1)]),
      )}\n`,
    );
  }
  rows.push([
    String(size),
    (timings.totalMs / 1000).toFixed(1),
    (boundMs / 1000).toFixed(1),
    ratio.toFixed(2),
    ...["home", "ramnode", "digitalocean", "zerotier", "cloudflare"].map((service) => String(calls[service])),
  ]);
  child.send("close");
  await once(child, "exit");
}
process.stdout.write(
  `\n${formatTable(["MACHINES", "WALL s", "BOUND s", "RATIO", "CALLS home", "ramnode", "digitalocean", "zerotier", "cloudflare"], rows)}\n`,
);

// Seconds until the record is right after a loss, with real processes: `npm run bench:failover`. See bench/README.md.
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { startApiServer } from "./failover/api-server.js";
import { type Lab, openLab } from "./failover/lab.js";
import { makeSwitch } from "./failover/network.js";
import { packetLoss } from "./failover/packet-loss.js";
import { loseOnce, type Scenario, scenarios, untilCalm } from "./failover/scenarios.js";
import { percentile, seconds } from "./failover/statistics.js";

const { values } = parseArgs({
  options: {
    losses: { type: "string", default: "50" },
    scenarios: { type: "string", default: Object.keys(scenarios).join(",") },
    quiet: { type: "string", default: "60" },
    "loss-minutes": { type: "string", default: "30" },
    node: { type: "string", default: process.execPath },
    verbose: { type: "boolean", default: false },
  },
});
const losses = Number(values.losses);
const chosen = values.scenarios.split(",").filter((name) => name in scenarios) as Scenario[];
const say = (line: string) => void process.stdout.write(`${line}\n`);
const directory = await mkdtemp(join(tmpdir(), "failover-"));
/** What the documentation promises of every loss. */
const promisedMs = 10_000;
let wrong = 0;

if (chosen.length > 0) {
  await makeSwitch();
  const server = await startApiServer();
  const labs: (readonly [Scenario, Lab])[] = [];
  // An early failure must not leave processes.
  process.on("exit", () => {
    for (const [, { nodes }] of labs) for (const { agent } of nodes) agent?.kill("SIGKILL");
  });
  for (const [index, scenario] of chosen.entries())
    labs.push([scenario, await openLab(server, scenario, index, directory, values.node)]);
  say(
    `API server: ${server.name}. Five agents and five entries a scenario, each a process in a network of its own.`,
  );
  say("");
  await Promise.all(labs.map(([, lab]) => untilCalm(lab)));

  const quiet = Number(values.quiet);
  await sleep(quiet * 1_000);
  const writes = labs.reduce((sum, [, lab]) => sum + lab.dnsWrites(), 0);
  say(`${quiet} s in which nothing changes: ${writes} DNS writes`);
  wrong += writes;
  say("");

  await Promise.all(
    labs.map(async ([scenario, lab]) => {
      const times: number[] = [];
      for (let done = 0; done < losses; done++) {
        const ms = await loseOnce(lab, scenario);
        times.push(ms);
        if (values.verbose) say(`  ${scenario} ${done + 1}: ${seconds(ms)}`);
      }
      await untilCalm(lab);
      const extra = lab.dnsWrites() - losses;
      const events = await lab.events();
      const late = times.filter((ms) => ms > promisedMs).length;
      wrong += Math.abs(extra) + Math.abs(events - losses) + late;
      say(
        [
          `${scenario.padEnd(7)}${losses} losses of ${scenarios[scenario]}:`,
          `min ${seconds(Math.min(...times))}  median ${seconds(percentile(times, 50))}  p95 ${seconds(percentile(times, 95))}  max ${seconds(Math.max(...times))}`,
          `(reference, computed: 340–350 s); ${losses} needed writes, ${extra} others, ${events} events`,
          ...(late > 0 ? [`${late} of them took longer than the promised ${promisedMs / 1_000} s`] : []),
        ].join("\n       "),
      );
    }),
  );
  const memory = (await Promise.all(labs.map(([, lab]) => lab.memory()))).flat();
  const mib = (kib: number) => `${(kib / 1_024).toFixed(0)} MiB`;
  const middle = (of: (each: (typeof memory)[number]) => number) => mib(percentile(memory.map(of), 50));
  say("");
  say(
    `memory of ${memory.length} agents: median ${middle(({ rss }) => rss)} resident (${middle(({ own }) => own)} of it their own, the rest is Node's program), at the highest ${mib(Math.max(...memory.map(({ peak }) => peak)))}`,
  );
  const limited = await Promise.all(labs.map(([, lab]) => lab.limited()));
  const kills = limited.reduce((sum, one) => sum + (one?.kills ?? 0), 0);
  say(
    limited[0]
      ? `the kernel held each to ${limited[0].mib} MiB, as the DaemonSet does, and killed ${kills}`
      : "no limit on their memory: the kernel's control groups cannot be used here",
  );
  wrong += kills;
  const size = async (path: string) =>
    (await stat(fileURLToPath(new URL(`../packages/${path}`, import.meta.url)))).size;
  const agent = await size("entrypoint-agent/dist/agent.js");
  const dns = await size("dns-cloudflare/dist/in-cluster.js");
  say(`programs: ${((agent + dns) / 1_024).toFixed(0)} KiB (a ConfigMap holds 1,024)`);
  for (const [, lab] of labs) await lab.close();
  await server.close();
}

const minutes = Number(values["loss-minutes"]);
if (minutes > 0) {
  const result = await packetLoss(minutes, 0.05);
  say("");
  say(
    `${minutes} virtual minutes with 5 % of all packets lost: ${result.probes} probes, ${result.failures} of them failed, ${result.switches} false switches, ${result.writes} DNS writes`,
  );
  wrong += result.switches + result.writes;
}
await rm(directory, { recursive: true });
process.exit(wrong === 0 ? 0 : 1);

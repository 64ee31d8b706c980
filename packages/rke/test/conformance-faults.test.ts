import type { ClusterEngine, EngineContext, EngineNode } from "@multicloud/core/plugin";
import { expect, test } from "vitest";
import { judge } from "../../testing/src/conformance/describe-cases.js";
import type { EngineCase } from "../../testing/src/conformance/engine/case.js";
import { honestyCases } from "../../testing/src/conformance/engine/honesty-cases.js";
import { interruptionCases } from "../../testing/src/conformance/engine/interruption-cases.js";
import { lifeCases } from "../../testing/src/conformance/engine/life-cases.js";
import { secrecyCases } from "../../testing/src/conformance/engine/secrecy-cases.js";
import { stateCases } from "../../testing/src/conformance/engine/state-cases.js";
import { openTrial } from "../../testing/src/conformance/engine/trial.js";
import { openDistributionHarness } from "./distribution-harness.js";

// A suite that finds fault with nothing proves nothing: here an engine that passes gets one fault at a time.

const all: readonly EngineCase[] = [
  ...lifeCases,
  ...honestyCases,
  ...stateCases,
  ...interruptionCases,
  ...secrecyCases,
];

type Faulty = (engine: ClusterEngine) => Partial<ClusterEngine>;

const tokenFile = "/etc/rancher/k3s/token";
const readToken = async ({ host }: EngineNode) =>
  Buffer.from(await host.readFile(tokenFile, { sudo: true }))
    .toString("utf8")
    .trim();
const onMasters = (nodes: readonly EngineNode[]) => nodes.filter(({ role }) => role === "master");
const neverAborted = (context: EngineContext): EngineContext => ({
  ...context,
  signal: new AbortController().signal,
});

let runs = 0;

const faults: readonly (readonly [fault: string, finds: string, engine: Faulty])[] = [
  [
    "says that it changed something when it did not",
    "preparing and up again",
    (engine) => ({ up: async (...args) => ({ ...(await engine.up(...args)), changed: true }) }),
  ],
  [
    "writes what is written already",
    "preparing and up again",
    (engine) => ({
      async up(context, nodes) {
        for (const { host } of nodes)
          await host.writeFile("/etc/last-run", `${performance.now()}`, { sudo: true });
        return engine.up(context, nodes);
      },
    }),
  ],
  [
    "prepares again what is prepared",
    "preparing and up again",
    (engine) => ({
      prepare: (...args) => ({ ...engine.prepare(...args), commands: [{ name: "again", run: "true" }] }),
    }),
  ],
  [
    "goes on without a machine that it cannot reach",
    "a machine that cannot be reached",
    (engine) => ({
      async up(context, nodes) {
        const reached = await Promise.allSettled(nodes.map((node) => node.probe(context.signal)));
        return engine.up(
          context,
          nodes.filter((_, index) => reached[index]?.status === "fulfilled"),
        );
      },
    }),
  ],
  [
    "goes on without a machine that it cannot use",
    "a machine that the engine cannot use",
    (engine) => ({
      async up(context, nodes) {
        try {
          return await engine.up(context, nodes);
        } catch (error) {
          return engine.up(
            context,
            nodes.filter(({ name }) => name !== (error as { node?: string }).node),
          );
        }
      },
    }),
  ],
  [
    "keeps nodes that nobody wants any more",
    "a worker is added, replaced and removed",
    (engine) => ({
      up: async (context, nodes) => engine.up(context, [...nodes, ...((await context.leaving?.()) ?? [])]),
    }),
  ],
  [
    "begins anew when its state is lost",
    "with its state lost, up finds the same cluster",
    (engine) => ({
      async up(context, nodes) {
        if ((await context.state.list("engine/")).length === 0) await engine.reset(context, nodes);
        return engine.up(context, nodes);
      },
    }),
  ],
  [
    "does not listen to its signal",
    "a signal that has fired already",
    (engine) => ({
      up: (context, nodes) => engine.up(neverAborted(context), nodes),
      reset: (context, nodes) => engine.reset(neverAborted(context), nodes),
    }),
  ],
  [
    "does not stop when it is told to",
    "up that is aborted again and again",
    (engine) => ({
      async up(context, nodes) {
        const result = engine.up(neverAborted(context), nodes);
        await result.catch(() => {});
        if (context.signal.aborted) throw new Error("stopped, after all was done");
        return result;
      },
    }),
  ],
  [
    "leaves a file behind when it is killed",
    "up that is killed after every change",
    (engine) => ({
      async up(context, nodes) {
        const [first] = onMasters(nodes);
        const { code } = await first!.host.exec("test -e /etc/rancher/multicloud-k3s.json");
        if (code === 0) return engine.up(context, nodes);
        runs += 1;
        const path = `/etc/run-${runs % 3}`;
        await first!.host.writeFile(path, "", { sudo: true });
        const result = await engine.up(context, nodes);
        await first!.host.exec(`rm ${path}`, { sudo: true });
        return result;
      },
    }),
  ],
  [
    "takes a first step for the whole way",
    "up that is killed after every change",
    (engine) => ({
      async up(context, nodes) {
        const [first] = onMasters(nodes);
        const { stdout } = await first!.host.exec("cat /etc/configured 2>/dev/null", { sudo: true });
        if (stdout === "") {
          await first!.host.writeFile("/etc/configured", "yes", { sudo: true });
          return engine.up(context, nodes);
        }
        return engine.up(context, onMasters(nodes));
      },
    }),
  ],
  [
    "leaves something on machines",
    "reset leaves machines as they were",
    (engine) => ({
      async reset(context, nodes) {
        await engine.reset(context, nodes);
        for (const { host } of nodes) await host.writeFile("/etc/left-over", "", { sudo: true });
      },
    }),
  ],
  [
    "cleans nothing without its state",
    "with its state lost, reset",
    (engine) => ({
      async reset(context, nodes) {
        if ((await context.state.list("engine/")).length > 0) await engine.reset(context, nodes);
      },
    }),
  ],
  [
    "gives a secret to a command",
    "no secret is in a command line on a node",
    (engine) => ({
      async up(context, nodes) {
        const result = await engine.up(context, nodes);
        for (const node of nodes) await node.host.exec(`echo ${await readToken(node)} >/dev/null`);
        return result;
      },
    }),
  ],
  [
    "leaves a secret readable",
    "files with a secret",
    (engine) => ({
      async up(context, nodes) {
        const result = await engine.up(context, nodes);
        for (const { host } of nodes) await host.exec(`chmod 0644 ${tokenFile}`, { sudo: true });
        return result;
      },
    }),
  ],
  [
    "reports a secret",
    "up makes one cluster",
    (engine) => ({
      async up(context, nodes) {
        const result = await engine.up(context, nodes);
        const message = `joined with ${await readToken(nodes[0]!)}`;
        context.report({ type: "log", level: "debug", message });
        return result;
      },
    }),
  ],
  ["checks nothing", "wrong options", () => ({ check: async () => ({ problems: [], warnings: [] }) })],
];

test.each(faults)("an engine that %s does not pass", async (_, finds, faulty) => {
  const found = all.filter(({ name }) => name.startsWith(finds));
  expect(found, `cases called ${finds}`).toHaveLength(1);
  const withFault = (engine: ClusterEngine) => ({ ...engine, ...faulty(engine) });
  const open = () =>
    openTrial({
      name: "k3s with a fault",
      async create() {
        const harness = await openDistributionHarness("k3s");
        return {
          ...harness,
          engine: () => withFault(harness.engine()),
          wrongOptions: () =>
            harness.wrongOptions!().map((wrong) => ({ ...wrong, plugin: withFault(wrong.plugin) })),
        };
      },
    });
  const judged = judge(open, found[0]!.run);
  await expect(judged).rejects.toMatchObject({ name: "AssertionError" });
});

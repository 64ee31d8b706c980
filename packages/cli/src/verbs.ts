import { resolve } from "node:path";
import { formatPlan, type Multicloud, type Run } from "@multicloud/core";
import {
  formatDrill,
  formatGateways,
  formatNodes,
  formatTable,
  formatTimings,
  showProgress,
} from "@multicloud/core/terminal";
import type { Arguments, Command } from "./arguments.js";
import type { CliOptions } from "./cli.js";
import { confirm } from "./confirm.js";

interface Invocation extends CliOptions {
  readonly cluster: Multicloud;
  readonly given: Arguments;
}

/** What each verb does with the cluster, and how its result is printed. */
export const verbs: Record<Command, (invocation: Invocation) => Promise<void>> = {
  async plan(call) {
    const plan = await show(call, call.cluster.plan(ending(call)));
    print(call, plan, () => formatPlan(plan));
  },

  async up(call) {
    const result = await show(call, call.cluster.up({ ...ending(call), forget: call.given.forget }));
    const { nodes, entrypoint, kubeconfig, timings } = result;
    print(call, result, () =>
      [
        formatNodes(nodes),
        [
          ...(entrypoint ? [`${entrypoint.record} → ${entrypoint.addresses.join(", ")}`] : []),
          `kubeconfig: ${kubeconfig}`,
        ].join("\n"),
        formatTimings(timings),
      ].join("\n\n"),
    );
  },

  async status(call) {
    const result = await show(call, call.cluster.status(ending(call)));
    const { nodes, silent, api, entrypoint, apiRecord, gateways } = result;
    const ready = (value: boolean | undefined) => (value === undefined ? "-" : value ? "Ready" : "NotReady");
    print(call, result, () =>
      [
        formatTable(
          ["NAME", "SITE", "MACHINE", "NODE", "PUBLIC", "OVERLAY"],
          nodes.map((node) => [
            node.name,
            node.site,
            node.machine,
            ready(node.ready),
            node.publicAddress ?? "",
            node.overlayAddress ?? "",
          ]),
        ),
        "",
        `Kubernetes API: ${api}`,
        `record: ${entrypoint ? `${entrypoint.name} → ${entrypoint.addresses.join(", ")}` : "none"}`,
        ...(apiRecord ? [`record: ${apiRecord.name} → ${apiRecord.addresses.join(", ")}`] : []),
        ...(gateways ? [formatGateways(gateways)] : []),
        ...silent.map(({ site, error }) => `${site} does not answer: ${error.message}`),
      ].join("\n"),
    );
  },

  async inventory(call) {
    const result = await show(call, call.cluster.inventory(ending(call)));
    const texts = {
      json: () => JSON.stringify(result, null, 2),
      ansible: () => result.ansible(),
      ssh: () => result.sshConfig(),
      mermaid: () => result.mermaid(),
    };
    const format = (call.given.format ?? "json") as keyof typeof texts;
    print(call, format === "json" ? result : texts[format](), () => texts[format]().trimEnd());
  },

  async kubeconfig(call) {
    const [server] = call.given.rest;
    const { merge } = call.given;
    const document = await call.cluster.kubeconfig({ ...ending(call), ...(server ? { server } : {}) });
    if (merge === undefined) {
      print(call, document, () => document.trimEnd());
      return;
    }
    const path = resolve(call.cwd, merge);
    const { mergeInto } = await import("./merge-kubeconfig.js");
    await mergeInto(path, document, call.cluster.name);
    print(
      call,
      { path, context: call.cluster.name },
      () => `${path}: the context ${call.cluster.name} is current`,
    );
  },

  async watch(call) {
    const { signal } = call;
    await show(call, call.cluster.entrypoint.watch({ ...(signal ? { signal } : {}) }));
  },

  async drill(call) {
    const { cluster, given } = call;
    const [lose = ""] = given.rest;
    const name = await confirm(call, cluster, `cuts the power of all machines of ${lose}`, given.confirm);
    const result = await show(call, cluster.drill({ lose, confirm: name, ...ending(call) }));
    print(call, result, () => formatDrill(result));
  },

  async destroy(call) {
    const { cluster, given } = call;
    await confirm(call, cluster, `removes the cluster ${cluster.name} with all its data`, given.confirm);
    const result = await show(call, cluster.destroy({ ...ending(call), forget: given.forget }));
    const count = result.machines.length;
    print(call, result, () => `removed ${count === 1 ? "1 machine" : `${count} machines`}`);
  },
};

function ending({ signal }: Invocation): { readonly signal?: AbortSignal } {
  return signal ? { signal } : {};
}

/** Shows a run as it goes and gives its result. */
async function show<T>({ given, stdout, stderr }: Invocation, run: Run<T>): Promise<T> {
  if (given.json) for await (const event of run) stdout.write(`${JSON.stringify(event)}\n`);
  else await showProgress(run, { output: stderr, verbose: given.verbose });
  return run;
}

function print({ given, stdout }: Invocation, result: unknown, text: () => string): void {
  stdout.write(given.json ? `${JSON.stringify({ type: "result", result })}\n` : `${text()}\n`);
}

// The homelab on real clouds: `tsx main.ts plan | up | status | watch | drill <site> <cluster> | destroy`. What differs from home to home is in home.json.
import { readFile } from "node:fs/promises";
import { formatPlan, MulticloudError } from "@multicloud/core";
import {
  formatDrill,
  formatNodes,
  formatTable,
  formatTimings,
  showProgress,
} from "@multicloud/core/terminal";
import { type Home, homelab } from "./homelab.js";

const stop = new AbortController();
process.once("SIGINT", () => {
  process.once("SIGINT", () => process.exit(130));
  stop.abort(new Error("stopped by Ctrl-C"));
});
const { signal } = stop;

const verbs = {
  async plan() {
    console.log(formatPlan(await cluster.plan({ signal })));
  },
  async up() {
    const run = cluster.up({ signal });
    await showProgress(run, { output: process.stderr });
    const { nodes, entrypoint, kubeconfig, timings } = await run;
    console.log(
      `${formatNodes(nodes)}\n\n${entrypoint?.record} → ${entrypoint?.addresses.join(", ")}\nkubeconfig: ${kubeconfig}\n\n${formatTimings(timings)}`,
    );
  },
  async status() {
    const { nodes, api, entrypoint } = await cluster.status({ signal });
    const rows = nodes.map((node) => [
      node.name,
      node.machine,
      node.ready ? "Ready" : "-",
      node.publicAddress ?? "",
      node.overlayAddress ?? "",
    ]);
    console.log(
      `${formatTable(["NAME", "MACHINE", "NODE", "PUBLIC", "OVERLAY"], rows)}\n\nAPI: ${api}; ${entrypoint?.name ?? "no record"} → ${entrypoint?.addresses.join(", ") ?? "-"}`,
    );
  },
  async watch() {
    await showProgress(cluster.entrypoint.watch({ signal }), { output: process.stderr });
  },
  /** Cuts a site off and gives it back: `drill home multicloud`. */
  async drill() {
    const [lose = "", confirm = ""] = process.argv.slice(3);
    const run = cluster.drill({ lose, confirm, signal });
    await showProgress(run, { output: process.stderr });
    console.log(formatDrill(await run));
  },
  async destroy() {
    const run = cluster.destroy({ signal });
    await showProgress(run, { output: process.stderr });
    console.log(`removed ${(await run).machines.length} machines`);
  },
};

const verb = process.argv[2] as keyof typeof verbs;
if (!Object.hasOwn(verbs, verb ?? "")) {
  console.error(`say what to do: ${Object.keys(verbs).join(", ")}`);
  process.exit(2);
}
const home = JSON.parse(await readFile(new URL("home.json", import.meta.url), "utf8")) as Home;
const cluster = homelab(home);
try {
  await verbs[verb]();
} catch (error) {
  console.error(
    MulticloudError.isInstance(error)
      ? `${error.code}: ${error.message}${error.hint ? `\n${error.hint}` : ""}`
      : error,
  );
  process.exitCode = 1;
}

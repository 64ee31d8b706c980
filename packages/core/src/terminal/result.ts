import type { DrillResult } from "../drill/drill.js";
import type { GatewayStatus } from "../gateway/status.js";
import type { UpNode } from "../orchestrate/up.js";
import type { Timings } from "../run/critical-path.js";
import { seconds } from "./seconds.js";
import { formatTable } from "./table.js";

/** Nodes as `kubectl get nodes -o wide` shows them, with the site and both addresses. */
export function formatNodes(nodes: readonly UpNode[]): string {
  return formatTable(
    ["NAME", "STATUS", "ROLES", "SITE", "PUBLIC", "OVERLAY", "VERSION"],
    nodes.map((node) => [
      node.name,
      node.ready ? "Ready" : "NotReady",
      node.roles.join(","),
      node.site,
      node.publicAddress ?? "(behind NAT)",
      node.overlayAddress,
      node.version,
    ]),
  );
}

/** One line for each gateway: where the internet reaches it, and how many of the nodes behind it answer. */
export function formatGateways(gateways: readonly GatewayStatus[]): string {
  return gateways
    .map(({ site, gateway, machine, publicAddress, state, backends = [], error }) => {
      const healthy = backends.filter((backend) => backend.healthy).length;
      const behind = state === "runs" ? `runs, ${healthy} of ${backends.length} workers answer` : state;
      const on = machine ? ` on ${machine.name} (${machine.status})` : "";
      return `gateway of ${site}: ${gateway}${on} at ${publicAddress ?? "an unknown address"}: ${error ? error.message : behind}`;
    })
    .join("\n");
}

/** The whole time, and the chain of steps that it consists of. */
export function formatTimings({ totalMs, criticalPath }: Timings): string {
  const rows = criticalPath.map(({ id, durationMs }) => [
    seconds(durationMs),
    `${Math.round((100 * durationMs) / Math.max(1, totalMs))} %`,
    id,
  ]);
  return `${seconds(totalMs)} in all; what took it, one after the other:\n${formatTable(["TIME", "SHARE", "STEP"], rows)}`;
}

/** How long a drill's loss was felt, and its timeline. */
export function formatDrill({
  lost,
  record,
  host,
  recordSeconds,
  clientSeconds,
  timeline,
}: DrillResult): string {
  const rows = timeline.map(({ seconds: at, what }) => [`${at.toFixed(1)} s`, what]);
  return `${lost} was lost. ${record} was right after ${recordSeconds.toFixed(1)} s, https://${host}/ answered again after ${clientSeconds.toFixed(1)} s.\n${formatTable(["AFTER", "WHAT"], rows)}`;
}

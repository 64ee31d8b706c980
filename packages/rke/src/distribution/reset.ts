import { dirname } from "node:path";
import { type EngineContext, type EngineNode, MulticloudError } from "@multicloud/core/plugin";
import { forgetRecord } from "./cluster-record.js";
import { type Distribution, pathsOf } from "./distribution.js";
import { shellAlone } from "./remote-lock.js";
import { surveyNode } from "./survey.js";

/**
 * Takes the cluster off its nodes with the uninstallers that came with the release, and forgets it. A node
 * that carries another cluster's mark, or none, is left alone.
 *
 * @throws MulticloudError `ENGINE_FAILED`
 */
export async function resetDistribution(
  distribution: Distribution,
  context: EngineContext,
  nodes: readonly EngineNode[],
): Promise<void> {
  await Promise.all(nodes.map((node) => resetNode(distribution, context, node)));
  await forgetRecord(context.state);
}

async function resetNode(
  distribution: Distribution,
  context: EngineContext,
  node: EngineNode,
): Promise<void> {
  const { signal, cluster } = context;
  const { mark } = await surveyNode(distribution, node, [], signal);
  if (mark?.cluster !== cluster) return;
  const { configuration, data, stage, mark: markFile, nodePassword } = pathsOf(distribution);
  const script = [
    "set -u",
    ...distribution.uninstallers.map((path) => `if [ -x ${path} ]; then ${path} >/dev/null 2>&1; fi`),
    // An uninstaller that was cut off may have removed the units and then itself.
    "systemctl daemon-reload",
    `for unit in ${distribution.serverUnit} ${distribution.agentUnit}; do`,
    '  if systemctl is-active --quiet "$unit" 2>/dev/null; then echo "$unit still runs" >&2; exit 1; fi',
    "done",
    `rm -rf ${configuration} ${data} ${stage} ${dirname(nodePassword)}`,
    // Last: a run that is cut off before is begun again.
    `rm -f ${markFile}`,
    "",
  ].join("\n");
  const { code, stderr } = await node.host.exec(shellAlone(distribution), {
    sudo: true,
    stdin: script,
    signal,
  });
  if (code === 0) return;
  throw new MulticloudError(`taking ${distribution.title} off ${node.name} failed: ${stderr.trim()}`, {
    code: "ENGINE_FAILED",
    site: node.site,
    node: node.name,
    service: distribution.name,
  });
}

import { type EngineNode, MulticloudError } from "@multicloud/core/plugin";
import { lackOf, lacks, steadyJoin } from "./bring.js";
import { applyNode, type ClusterApi, listNodes } from "./cluster-api.js";
import { bring, type EngineRun, surveyOf, waitReady } from "./engine-run.js";
import { labelsOf } from "./node-config.js";

/** Workers get what they lack, all at once but for those that change their version: they are drained in turn. */
export async function changeWorkers(run: EngineRun): Promise<void> {
  const { parts, workers, cluster } = run;
  const { settings, context } = parts;
  const join = (node: EngineNode) => steadyJoin(parts, node);
  const lacking = workers.filter((node) => lacks(lackOf(parts, surveyOf(run, node), join(node))));
  const upgrading = lacking.filter((node) => {
    const { version, hasRegistered } = surveyOf(run, node);
    return hasRegistered && version !== undefined && version !== settings.version;
  });
  const queue = lacking.filter((node) => !upgrading.includes(node));
  const failures: { readonly node: EngineNode; readonly cause: unknown }[] = [];
  const lanes = Array.from({ length: Math.min(settings.concurrency, queue.length) }, async () => {
    for (let next = queue.shift(); next && !context.signal.aborted; next = queue.shift()) {
      const node = next;
      await bring(run, node, join(node)).catch((cause) => {
        failures.push({ node, cause });
      });
    }
  });
  await Promise.all(lanes);
  context.signal.throwIfAborted();
  const inNodeOrder = failures.sort((a, b) => workers.indexOf(a.node) - workers.indexOf(b.node));
  if (failures.length > 0) throw allOf(inNodeOrder);
  if (!cluster) return;
  for (const node of upgrading) await upgradeWorker(run, cluster, node);
}

/** One error for all workers that failed, for a single run is to tell of each. */
function allOf(failures: readonly { readonly node: EngineNode; readonly cause: unknown }[]): unknown {
  const [first] = failures;
  if (failures.length === 1 || !MulticloudError.isInstance(first?.cause)) return first?.cause;
  const { code, service, hint } = first.cause;
  const message = failures
    .map(({ node, cause }) => `${node.name}: ${cause instanceof Error ? cause.message : String(cause)}`)
    .join("; ");
  return new MulticloudError(`${failures.length} workers failed: ${message}`, {
    code,
    site: first.node.site,
    node: first.node.name,
    service,
    hint,
    cause: first.cause,
  });
}

async function upgradeWorker(run: EngineRun, cluster: ClusterApi, node: EngineNode): Promise<void> {
  const { settings, context } = run.parts;
  const { signal } = context;
  const present = (await listNodes(cluster.api, signal)).get(node.name);
  const labels = labelsOf(context.cluster, node);
  // A node that somebody else cordoned stays cordoned.
  if (settings.upgrade.drain && present && (present.schedulable || present.drained)) {
    await applyNode(cluster, node.name, labels, true, signal);
    try {
      await cluster.api.drain(node.name, { signal, timeoutMs: settings.upgrade.drainTimeoutMs });
    } catch (error) {
      signal.throwIfAborted();
      const message = error instanceof Error ? error.message : String(error);
      context.report({
        type: "log",
        level: "warn",
        node: node.name,
        message: `${node.name} is upgraded with pods on it that would not go: ${message}`,
      });
    }
  }
  await bring(run, node, steadyJoin(run.parts, node));
  await waitReady(run, node);
  await allowPods(run, cluster, node);
}

/** Gives pods back to a node that was cordoned for an upgrade, by this run or by one that was cut off. */
export async function allowPods(run: EngineRun, cluster: ClusterApi, node: EngineNode): Promise<void> {
  const { context } = run.parts;
  const present = (await listNodes(cluster.api, context.signal)).get(node.name);
  if (!present?.drained) return;
  await applyNode(cluster, node.name, labelsOf(context.cluster, node), false, context.signal);
  run.changed = true;
}

import { type EngineNode, MulticloudError } from "@multicloud/core/plugin";
import { type BringParts, bringNode } from "./bring.js";
import { type ClusterApi, listNodes } from "./cluster-api.js";
import type { ClusterIdentity } from "./identity.js";
import { joinUrl } from "./node-config.js";
import { unitOf } from "./service.js";
import type { NodeSurvey } from "./survey.js";

/** What the steps of one `up` share. */
export interface EngineRun {
  readonly parts: BringParts;
  readonly masters: readonly EngineNode[];
  readonly workers: readonly EngineNode[];
  readonly identity: ClusterIdentity;
  /** What there is on each node now. */
  readonly surveys: Map<string, NodeSurvey>;
  /** Names of masters whose data turned out to be of no use. */
  readonly lost: Set<string>;
  cluster: ClusterApi | undefined;
  changed: boolean;
}

/** Brings a node to its state and remembers what is there now. */
export async function bring(run: EngineRun, node: EngineNode, join: string | undefined): Promise<NodeSurvey> {
  const before = run.surveys.get(node.name)!;
  const after = await bringNode(run.parts, before, join);
  if (after !== before) run.changed = true;
  run.surveys.set(node.name, after);
  return after;
}

/** What there is on a node now. */
export const surveyOf = (run: EngineRun, node: EngineNode) => run.surveys.get(node.name)!;

/** Whether a wanted master held the cluster's data when the run began. */
export const isMember = (run: EngineRun, node: EngineNode) =>
  !run.lost.has(node.name) && run.identity.members.some((member) => member.node.name === node.name);

/** What a node joins through: what it will name for good if that is a member already, any member otherwise. */
export function joinOf(run: EngineRun, node: EngineNode): string | undefined {
  const { distribution } = run.parts;
  const live = run.masters.filter((master) => surveyOf(run, master).isMember && master.name !== node.name);
  return live[0] ? joinUrl(distribution, live[0].overlayAddress) : run.identity.outsider;
}

/**
 * Waits until nodes are Ready in the cluster.
 *
 * @throws MulticloudError `ENGINE_NODE_DROPPED` for a node whose service runs and that the cluster lacks
 */
export async function waitReady(run: EngineRun, ...nodes: readonly EngineNode[]): Promise<void> {
  const { cluster, parts } = run;
  const { settings, context, distribution } = parts;
  if (!cluster || nodes.length === 0) return;
  const names = nodes.map(({ name }) => name);
  try {
    await cluster.api.waitNodesReady(names, {
      signal: context.signal,
      timeoutMs: settings.readyTimeoutMs,
      onProgress: (message) => context.report({ type: "log", level: "info", message }),
    });
  } catch (error) {
    context.signal.throwIfAborted();
    const present = await listNodes(cluster.api, context.signal).catch(() => undefined);
    const missing = nodes.find(({ name }) => present?.get(name)?.ready !== true);
    if (!missing || !present) throw error;
    const state = present.has(missing.name) ? "is in the cluster but not Ready" : "is not in the cluster";
    throw new MulticloudError(`${missing.name} runs ${distribution.title} and ${state}`, {
      code: "ENGINE_NODE_DROPPED",
      site: missing.site,
      node: missing.name,
      service: distribution.name,
      hint: `there, journalctl -u ${unitOf(distribution, missing)} tells why`,
      cause: error,
    });
  }
}

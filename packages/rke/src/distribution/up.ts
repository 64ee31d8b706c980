import {
  type EngineContext,
  type EngineNode,
  type EngineResult,
  MulticloudError,
} from "@multicloud/core/plugin";
import { beginRun } from "./begin-run.js";
import { steadyJoin } from "./bring.js";
import { applyNode, listNodes, reachableAddress, readKubeconfig, renameKubeconfig } from "./cluster-api.js";
import { writeRecord } from "./cluster-record.js";
import type { Distribution } from "./distribution.js";
import { bring, type EngineRun, waitReady } from "./engine-run.js";
import { addMasters, changeMembers, openCluster, startMembers } from "./masters.js";
import { labelsOf } from "./node-config.js";
import type { DistributionSettings } from "./options.js";
import { removeDead, removeLiving } from "./removal.js";
import { allowPods, changeWorkers } from "./workers.js";

/**
 * Makes the cluster have exactly these nodes; changes nothing when it has.
 *
 * Masters take turns, for etcd takes one new member at a time and keeps its majority while one restarts;
 * workers go at once, but those that change their version take turns too.
 */
export async function upDistribution(
  distribution: Distribution,
  settings: DistributionSettings,
  context: EngineContext,
  given: readonly EngineNode[],
): Promise<EngineResult> {
  const run = await beginRun(distribution, settings, context, given);
  try {
    await startMembers(run);
    await openCluster(run);
    await removeDead(run);
    await changeMembers(run);
    await addMasters(run);
    await changeWorkers(run);
    await removeLiving(run);
    await settleNodes(run);
    return await finish(run);
  } finally {
    await run.cluster?.api.close();
  }
}

/** Every node is Ready, with its labels, and takes pods unless somebody else decided otherwise. */
async function settleNodes(run: EngineRun): Promise<void> {
  const { cluster, parts } = run;
  if (!cluster) return;
  const { context } = parts;
  const wanted = [...run.masters, ...run.workers];
  await waitReady(run, ...wanted);
  const nodes = await listNodes(cluster.api, context.signal);
  for (const node of wanted) {
    const present = nodes.get(node.name);
    if (!present) continue;
    if (present.drained) await allowPods(run, cluster, node);
    const labels = labelsOf(context.cluster, node);
    if (Object.entries(labels).every(([key, value]) => present.labels[key] === value)) continue;
    await applyNode(cluster, node.name, labels, undefined, context.signal);
    run.changed = true;
  }
}

/** Writes down what can be written only when all masters are known, and gives the kubeconfig. */
async function finish(run: EngineRun): Promise<EngineResult> {
  const { parts, masters, identity } = run;
  const { distribution, context, secret, caHash } = parts;
  // No restart comes of this: who to join is read by a server without data only.
  for (const node of masters) await bring(run, node, steadyJoin(parts, node));
  await writeRecord(context.state, {
    distribution: distribution.name,
    token: secret,
    ...(identity.record?.first === undefined ? {} : { first: identity.record.first }),
    ...(caHash === undefined ? {} : { caHash }),
    servers: masters.map(({ name, overlayAddress }) => ({ name, address: overlayAddress })),
  });
  for (const node of masters) {
    const kubeconfig = await readKubeconfig(distribution, node, context.signal);
    if (kubeconfig === undefined) continue;
    // The name is made of the masters' public addresses; without any it leads nowhere.
    const hasPublic = masters.some(({ publicAddress }) => publicAddress !== undefined);
    const server = (hasPublic ? context.apiName : undefined) ?? reachableAddress(node);
    return {
      kubeconfig: renameKubeconfig(kubeconfig, context.cluster, server),
      changed: run.changed,
    };
  }
  throw new MulticloudError("no master has a kubeconfig", {
    code: "ENGINE_FAILED",
    service: distribution.name,
  });
}

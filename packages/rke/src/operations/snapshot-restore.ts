import type { EngineContext, OperationNodes, OperationResult } from "@multicloud/core/plugin";
import type { Settings } from "../options.js";
import { openClusterRun } from "../run/cluster-run.js";
import { probeAll } from "../run/probe.js";
import { forgetPending, notePending } from "../state/pending.js";
import { requireAll } from "./nodes.js";

/** Options of restoring a snapshot. */
export interface SnapshotRestoreOptions {
  /** The snapshot's name as it was saved. With S3 configured it is fetched from there; otherwise one master must hold it. */
  readonly name: string;
  /** Keep the certificates of now instead of those in the snapshot. Default false: what etcd holds was made with them. */
  readonly useLocalState?: boolean;
}

/** A cluster that was put back. */
export interface RestoredCluster {
  readonly name: string;
  /** Nodes that were counted afterwards. */
  readonly nodes: readonly string[];
}

/**
 * `rke etcd snapshot-restore`: takes the cluster down, puts etcd's content back on all masters of the
 * configuration and builds the cluster anew around it. Nodes that are not in the configuration any more are
 * taken out of it. What was written since the snapshot is lost.
 */
export async function restoreSnapshot(
  settings: Settings,
  context: EngineContext,
  nodes: OperationNodes,
  { name, useLocalState = false }: SnapshotRestoreOptions,
): Promise<OperationResult<RestoredCluster>> {
  const all = requireAll(nodes, "RKE would restore the cluster without them");
  await probeAll(all, context.signal);
  const run = await openClusterRun(settings, context, all);
  const recovered = await run.recover();
  await notePending(run.files, "etcd snapshot-restore", run.digest);
  await run.begin(recovered);
  const args = ["etcd", "snapshot-restore", "--name", name, ...(useLocalState ? ["--use-local-state"] : [])];
  // It goes on where it stopped only in that it begins anew: once it has taken the cluster down, it must end.
  await run.rke(args, { attempts: settings.attempts });
  const kubeconfig = await run.finish();
  await forgetPending(run.files);
  return { value: { name, nodes: run.nodes.map((node) => node.name) }, kubeconfig };
}

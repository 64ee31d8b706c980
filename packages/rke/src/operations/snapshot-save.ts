import {
  type EngineContext,
  MulticloudError,
  type OperationNodes,
  type OperationResult,
} from "@multicloud/core/plugin";
import type { Settings } from "../options.js";
import { openClusterRun } from "../run/cluster-run.js";
import { probeAll } from "../run/probe.js";
import { fileNames } from "../state/engine-files.js";
import { unreachable } from "./nodes.js";
import { requireState } from "./require-state.js";
import { listSnapshots } from "./snapshot-files.js";

/** Options of taking a snapshot. */
export interface SnapshotSaveOptions {
  /** Letters, digits, `.`, `_`, `-`. A snapshot of that name is replaced. Default: the cluster's name and the time. */
  readonly name?: string;
  /** Go on with the masters that answer when some do not. Default false. */
  readonly partial?: boolean;
}

/** A snapshot that was taken. */
export interface SavedSnapshot {
  readonly name: string;
  /** Masters that hold it in `/opt/rke/etcd-snapshots`, sorted. */
  readonly nodes: readonly string[];
  /** The bucket of `services.etcd.backup_config.s3backupconfig` that holds it too. */
  readonly bucket?: string;
}

/**
 * `rke etcd snapshot-save`. Masters are dialled before, and the snapshot is looked for on each of them
 * afterwards: RKE is content when one of them has it. Workers are not needed.
 */
export async function saveSnapshot(
  settings: Settings,
  context: EngineContext,
  { present, absent }: OperationNodes,
  options: SnapshotSaveOptions,
): Promise<OperationResult<SavedSnapshot>> {
  const { signal } = context;
  const name = options.name ?? `${context.cluster}-${new Date().toISOString().replaceAll(":", "")}`;
  const masters = present.filter(({ role }) => role === "master");
  const missing = absent.filter(({ role }) => role === "master");
  const [first] = missing;
  if (first && (!options.partial || masters.length === 0)) {
    throw unreachable(
      first,
      missing,
      "a snapshot is kept on every master",
      "mend them first, or accept a snapshot on the others with partial: true",
    );
  }
  await probeAll(masters, signal);
  const run = await openClusterRun(settings, context, present);
  await run.recover();
  await requireState(run);
  const config = await run.files.read(fileNames.config);
  try {
    // The program's name for it is the file's, so that the same call again replaces what a killed one left.
    await run.rke(["etcd", "snapshot-save", "--name", name], {
      attempts: settings.attempts,
      needed: masters,
    });
  } finally {
    // It was written with the nodes that answer, which are not all that the cluster has.
    if (config !== undefined && absent.length > 0) await run.files.write(fileNames.config, config);
  }
  const holders =
    (await listSnapshots(masters, signal)).find((snapshot) => snapshot.name === name)?.nodes ?? [];
  const without = masters.find((node) => !holders.includes(node.name));
  if (without) {
    throw new MulticloudError(`rke took the snapshot ${name}, but ${without.name} does not have it`, {
      code: "ENGINE_FAILED",
      site: without.site,
      node: without.name,
      service: "rke",
      hint: "RKE's log lines say why; is the disk of the node full?",
    });
  }
  const bucket = settings.config?.services?.etcd?.backup_config?.s3backupconfig?.bucket_name;
  return { value: { name, nodes: holders, ...(bucket === undefined ? {} : { bucket }) } };
}

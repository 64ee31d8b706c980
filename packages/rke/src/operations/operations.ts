import {
  type ClusterEngine,
  type EngineContext,
  type EngineOperation,
  type OperationNodes,
  type OperationResult,
  type Problem,
  ValidationError,
} from "@multicloud/core/plugin";
import type { Settings } from "../options.js";
import { requireAll } from "./nodes.js";
import {
  type RotateCertificatesOptions,
  type RotatedCertificates,
  rotateCertificates,
  rotationProblems,
} from "./rotate-certificates.js";
import { listSnapshots, nameProblems, type Snapshot } from "./snapshot-files.js";
import { type RestoredCluster, restoreSnapshot, type SnapshotRestoreOptions } from "./snapshot-restore.js";
import { type SavedSnapshot, type SnapshotSaveOptions, saveSnapshot } from "./snapshot-save.js";

/** What can be done with a cluster of RKE besides `up()`: each makes an operation for `multicloud(…).operate()`. Wrong options throw a `ValidationError` at once. */
export interface RkeOperations {
  /** Takes a snapshot of etcd on all masters, and in S3 when `config.services.etcd.backup_config` names a bucket. */
  snapshotSave(options?: SnapshotSaveOptions): EngineOperation<SavedSnapshot>;
  /** The snapshots on the masters, those that RKE takes by itself included. Changes nothing. */
  snapshots(): EngineOperation<readonly Snapshot[]>;
  /** Puts the cluster back to a snapshot; what was written since is lost. Needs all nodes of the configuration. */
  snapshotRestore(options: SnapshotRestoreOptions): EngineOperation<RestoredCluster>;
  /** Makes new certificates. Needs all nodes of the configuration. */
  rotateCertificates(options?: RotateCertificatesOptions): EngineOperation<RotatedCertificates>;
}

/** @param engine gives the object that `rke()` returned */
export function rkeOperations(engine: () => ClusterEngine, settings: Settings): RkeOperations {
  function operation<T>(
    name: string,
    problems: readonly Problem[],
    run: (context: EngineContext, nodes: OperationNodes) => Promise<OperationResult<T>>,
  ): EngineOperation<T> {
    if (problems.length > 0) throw new ValidationError(problems);
    return { name, engine: engine(), run };
  }
  return {
    snapshotSave: (options = {}) =>
      operation(
        "etcd snapshot-save",
        options.name === undefined ? [] : nameProblems(options.name),
        (context, nodes) => saveSnapshot(settings, context, nodes, options),
      ),
    snapshots: () =>
      operation("etcd snapshots", [], async (context, nodes) => {
        const masters = nodes.present.filter(({ role }) => role === "master");
        if (masters.length === 0) requireAll(nodes, "snapshots are on the masters");
        return { value: await listSnapshots(masters, context.signal) };
      }),
    snapshotRestore: (options) =>
      operation("etcd snapshot-restore", nameProblems(options?.name), (context, nodes) =>
        restoreSnapshot(settings, context, nodes, options),
      ),
    rotateCertificates: (options = {}) =>
      operation("cert rotate", rotationProblems(options), (context, nodes) =>
        rotateCertificates(settings, context, nodes, options),
      ),
  };
}

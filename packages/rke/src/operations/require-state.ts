import { MulticloudError } from "@multicloud/core/plugin";
import type { ClusterRun } from "../run/cluster-run.js";
import type { RkeState } from "../state/rke-state.js";

/**
 * The state of the cluster.
 *
 * @throws MulticloudError `NOT_FOUND` when there is none, because there is no cluster
 */
export async function requireState({ files }: ClusterRun): Promise<RkeState> {
  const state = await files.state();
  if (state) return state;
  throw new MulticloudError("there is no cluster on these nodes", {
    code: "NOT_FOUND",
    service: "rke",
    hint: "run up() first",
  });
}

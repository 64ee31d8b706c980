import type { Problem } from "../contracts/context.js";
import type { Machine } from "../contracts/provider.js";
import type { PlanAction } from "../plan/plan.js";

/**
 * Changes that would end etcd: replacing or deleting the only master of a cluster takes its data with it.
 * Masters beyond that are replaced one at a time, each one first taken out of etcd by the engine.
 */
export function quorumBlocks(
  actions: readonly PlanAction[],
  existing: ReadonlyMap<string, readonly Machine[]>,
): Problem[] {
  const masters = [...existing.values()]
    .flat()
    .filter(({ role, status }) => role === "master" && status === "running");
  if (masters.length === 0) return [];
  const leaving = actions.filter(
    ({ action, role }) => role === "master" && (action === "replace" || action === "delete"),
  );
  const kept = masters.filter(({ name }) => !leaving.some(({ node }) => node === name));
  if (leaving.length === 0 || kept.length > 0) return [];
  if (masters.length > 1) return [];
  return leaving.map(({ site, node, action, changes }) => ({
    path: `sites.${site}.masters`,
    message: `${node} is the only master: to ${action} it would lose the cluster's data`,
    ...(changes ? { given: changes.map(({ field }) => field).join(", ") } : {}),
    hint: "add masters first (three in three sites), then change this one; or destroy() and up() for a new cluster",
  }));
}

import type { Effect } from "@multicloud/testing";

/**
 * What tells an effect from all others of one run. Nodes go side by side, so the order of effects varies from
 * run to run, but not their names. Digests in names are of keys, which are new in each run, and a cloud gives its
 * addresses to machines in the order in which they come up.
 */
export function identify(): (effect: Effect) => string {
  const counts = new Map<string, number>();
  return ({ service, kind, action, name }) => {
    const key = `${service} ${kind} ${action} ${name.replace(/[0-9a-f]{32,}|\b\d+\.\d+\.\d+\.\d+\b/g, "…")}`;
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    return count === 1 ? key : `${key} #${count}`;
  };
}

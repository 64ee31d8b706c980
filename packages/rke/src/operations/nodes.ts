import {
  type AbsentNode,
  type EngineNode,
  MulticloudError,
  type OperationNodes,
} from "@multicloud/core/plugin";

/**
 * All nodes, for what cannot do without any of them.
 *
 * @throws MulticloudError `HOST_UNREACHABLE`
 */
export function requireAll({ present, absent }: OperationNodes, why: string): readonly EngineNode[] {
  const [first] = absent;
  if (first) throw unreachable(first, absent, why);
  return present;
}

/** The error for nodes that are missing; `why` says what would happen without them. */
export function unreachable(
  first: AbsentNode,
  all: readonly AbsentNode[],
  why: string,
  hint = "mend them with up(), or take them out of the configuration",
): MulticloudError {
  const names = all.map(({ name }) => name).join(", ");
  return new MulticloudError(`${names} cannot be reached (${first.reason}): ${why}`, {
    code: "HOST_UNREACHABLE",
    site: first.site,
    node: first.name,
    hint,
  });
}

import { type EngineNode, MulticloudError } from "@multicloud/core/plugin";

/**
 * Dials every node as RKE will: RKE drops nodes that it cannot reach, goes on and exits 0.
 *
 * @throws MulticloudError `HOST_UNREACHABLE`
 */
export async function probeAll(nodes: readonly EngineNode[], signal: AbortSignal): Promise<void> {
  const results = await Promise.allSettled(nodes.map((node) => node.probe(signal)));
  signal.throwIfAborted();
  const failures = results.flatMap((result, index) => {
    const node = nodes[index];
    return result.status === "rejected" && node ? [{ node, cause: result.reason as unknown }] : [];
  });
  const [first] = failures;
  if (!first) return;
  const { node, cause } = first;
  const others = failures.length > 1 ? ` (and ${failures.length - 1} more)` : "";
  const reason = cause instanceof Error ? cause.message : String(cause);
  throw new MulticloudError(
    `${failures.map((failure) => failure.node.name).join(", ")} cannot be reached over SSH, so RKE was not run: ${reason}${others}`,
    {
      code: "HOST_UNREACHABLE",
      site: node.site,
      node: node.name,
      hint: `check that ${node.address}:${node.port} answers${node.jump.length > 0 ? " through the jump host" : ""}, then run up() again`,
      cause,
    },
  );
}

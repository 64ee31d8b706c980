import type { JumpHost, PlannedNode, Problem } from "@multicloud/core/plugin";
import type { RkeBastion } from "./options.js";

/** The jump host that the sites' nodes need, as far as RKE can use one. */
export function deriveBastion(nodes: readonly PlannedNode[]): RkeBastion | undefined {
  const jump = nodes.find((node) => node.jump.length > 0)?.jump[0];
  if (!jump) return undefined;
  const { host, port, user, privateKeyFile } = jump;
  return {
    address: host,
    user,
    ...(port === undefined ? {} : { port }),
    ...(privateKeyFile === undefined ? {} : { privateKeyFile }),
  };
}

/**
 * Why RKE could not reach these nodes: it knows one bastion for the whole cluster, a single hop, and then
 * goes through it to every node.
 */
export function findBastionProblems(nodes: readonly PlannedNode[]): Problem[] {
  const problems: Problem[] = [];
  const hint = "give one host that reaches every node as the option `bastion`";
  const far = nodes.find((node) => node.jump.length > 1);
  if (far) {
    const chain = far.jump.map(({ host }) => host).join(", then ");
    problems.push({
      path: "bastion",
      message: `RKE jumps over one host only, but ${far.name} is reached over ${chain}`,
      hint,
    });
  }
  const sites = new Map<string, string>();
  for (const node of nodes) {
    const first = node.jump[0];
    if (first) sites.set(identity(first), `${node.site} (${first.host})`);
  }
  if (sites.size > 1) {
    problems.push({
      path: "bastion",
      message: `RKE knows one bastion for the whole cluster, but these sites need different jump hosts: ${[...sites.values()].join(", ")}`,
      hint,
    });
  }
  return problems;
}

function identity(jump: JumpHost): string {
  return `${jump.user}@${jump.host}:${jump.port ?? 22}`;
}

import type { NodeFragment } from "../contracts/fragment.js";
import type { OverlayNetwork } from "../contracts/overlay.js";
import { cloudConfigDigest } from "../fragment/cloud-config.js";
import { type ContributedFragment, mergeFragments } from "../fragment/merge-fragments.js";
import type { DesiredNode } from "../plan/plan.js";
import { specDigest } from "../topology/spec-digest.js";
import type { TopologyNode } from "../topology/topology.js";
import type { Session } from "./session.js";

/** A node with its boot configuration. */
export interface BootableNode extends DesiredNode {
  readonly node: TopologyNode;
  readonly boot: NodeFragment;
}

/** Every node as it should be, with the digest of all that makes it so. The overlay network may still have to be made. */
export function desiredNodes(session: Session, network: OverlayNetwork | undefined): readonly BootableNode[] {
  return session.sites.flatMap((site) =>
    site.nodes.map((node) => {
      const boot = bootFragment(session, node, network);
      const { name, role, shape } = node;
      const spec = specDigest(shape, cloudConfigDigest(boot));
      return { name, site: site.name, role, size: shape.size, image: shape.image, spec, node, boot };
    }),
  );
}

/**
 * What a machine gets at first boot: overlay, engine and user, in this order; equal for all nodes of a pool.
 * The operator's key is added when a machine is made and is no part of the digest: a lost state directory
 * must end in an error, not in a plan that replaces every machine.
 */
function bootFragment(
  session: Session,
  node: TopologyNode,
  network: OverlayNetwork | undefined,
): NodeFragment {
  const { config, user } = session;
  const parts: ContributedFragment[] = [{ from: "core", fragment: { users: [{ name: user, sudo: true }] } }];
  if (network) parts.push({ from: `overlay ${config.overlay.name}`, fragment: config.overlay.boot(network) });
  if (config.engine.boot)
    parts.push({ from: `engine ${config.engine.name}`, fragment: config.engine.boot(node) });
  if (config.boot) parts.push({ from: "boot", fragment: config.boot });
  if (node.pool.boot) parts.push({ from: `sites.${node.site}.${node.role}s.boot`, fragment: node.pool.boot });
  return mergeFragments(parts);
}

/** What is kept true on a node over SSH: engine and addons. */
export function prepareFragment(session: Session, node: TopologyNode): NodeFragment {
  const { engine, addons = [] } = session.config;
  return mergeFragments([
    { from: `engine ${engine.name}`, fragment: engine.prepare(node, session.user) },
    ...addons.flatMap((addon) =>
      addon.prepare ? [{ from: `addon ${addon.name}`, fragment: addon.prepare(node) }] : [],
    ),
  ]);
}

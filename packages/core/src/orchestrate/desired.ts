import type { NodeFragment } from "../contracts/fragment.js";
import type { OverlayNetwork } from "../contracts/overlay.js";
import { cloudConfigDigest } from "../fragment/cloud-config.js";
import { type ContributedFragment, mergeFragments } from "../fragment/merge-fragments.js";
import type { DesiredMachine } from "../plan/plan.js";
import { specDigest } from "../topology/spec-digest.js";
import { machinesOf, placeOf, type TopologyMachine, type TopologyNode } from "../topology/topology.js";
import type { Session } from "./session.js";

/** A machine with its boot configuration. */
export interface BootableMachine extends DesiredMachine {
  readonly planned: TopologyMachine;
  readonly boot: NodeFragment;
}

/** A node with its boot configuration. */
export interface BootableNode extends BootableMachine {
  readonly planned: TopologyNode;
}

/** Every machine as it should be, with the digest of all that makes it so. The overlay network may still have to be made. */
export function desiredMachines(
  session: Session,
  network: OverlayNetwork | undefined,
): readonly BootableMachine[] {
  return session.sites.flatMap(machinesOf).map((planned) => desiredMachine(session, planned, network));
}

/** One machine as it should be. */
export function desiredMachine(
  session: Session,
  planned: TopologyMachine,
  network: OverlayNetwork | undefined,
): BootableMachine {
  const boot = bootFragment(session, planned, network);
  const { name, site, role, shape } = planned;
  const spec = specDigest(shape, cloudConfigDigest(boot));
  return { name, site, role, size: shape.size, image: shape.image, spec, planned, boot };
}

/** Whether a machine is to be a node of the cluster. */
export const isNode = (machine: BootableMachine): machine is BootableNode => isPlannedNode(machine.planned);

const isPlannedNode = (planned: TopologyMachine): planned is TopologyNode => planned.role !== "gateway";

/**
 * What a machine gets at first boot: overlay, engine and user, in this order; equal for all nodes of a pool, and
 * the user's part alone for a gateway. The operator's key is added when a machine is made and is no part of the
 * digest: a lost state directory must end in an error, not in a plan that replaces every machine.
 */
function bootFragment(
  session: Session,
  planned: TopologyMachine,
  network: OverlayNetwork | undefined,
): NodeFragment {
  const { config, user } = session;
  const parts: ContributedFragment[] = [{ from: "core", fragment: { users: [{ name: user, sudo: true }] } }];
  if (isPlannedNode(planned)) {
    if (network)
      parts.push({ from: `overlay ${config.overlay.name}`, fragment: config.overlay.boot(network) });
    if (config.engine.boot)
      parts.push({ from: `engine ${config.engine.name}`, fragment: config.engine.boot(planned) });
  }
  if (config.boot) parts.push({ from: "boot", fragment: config.boot });
  const { boot } = planned.pool;
  if (boot) parts.push({ from: `sites.${planned.site}.${placeOf(planned.role)}.boot`, fragment: boot });
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

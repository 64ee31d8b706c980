import type { DialTarget } from "../contracts/dialer.js";
import type { EngineNode } from "../contracts/engine.js";
import type { Machine } from "../contracts/provider.js";
import { applyFragment } from "../fragment/apply-fragment.js";
import type { Connections } from "../hosts/connect.js";
import type { TopologyNode } from "../topology/topology.js";
import { type BootableNode, prepareFragment } from "./desired.js";
import { noteReached, type PipelineParts, reachMachine } from "./machine-pipeline.js";
import { type Session, withDeadline } from "./session.js";

/** A node at the end of its pipeline. */
export interface ReadyNode extends EngineNode {
  readonly machine: Machine;
  /** Id of the last step, which the engine waited for. */
  readonly lastStep: string;
  readonly memberId: string;
}

/**
 * One node, from nothing to ready for the engine: a machine that is there, prepared, on the overlay. Each node flows
 * on its own; a node that is further on costs less.
 */
export async function runNodePipeline(
  session: Session,
  parts: PipelineParts,
  bootable: BootableNode,
  existing: Machine | undefined,
): Promise<ReadyNode> {
  const { steps, timing, signal } = session;
  const at = { site: bootable.site, node: bootable.name };
  const reached = await reachMachine(session, parts, bootable, existing);
  const { machine, host, address, port } = reached;
  const { planned } = bootable;
  const node = machine.jump ? { ...planned, jump: machine.jump } : planned;
  let after = reached.lastStep;

  await steps.run({ kind: "prepare", title: "preparing the node", after: [after], ...at }, async (step) => {
    after = step.id;
    const apply = () =>
      applyFragment(host, prepareFragment(session, node), {
        signal,
        timeoutMs: timing.prepareMs,
        site: node.site,
        node: node.name,
        onProgress: (message) => step.progress(message),
      });
    const report = await parts.machines.preparing(apply);
    step.result(report.changed.length === 0 ? "nothing to change" : `${report.changed.length} changed`);
  });

  const network = await parts.network;
  return steps.run(
    { kind: "overlay", title: "joining the overlay", after: [after, parts.networkStep], ...at },
    async (step) => {
      const member = await withDeadline(
        signal,
        timing.overlayMs,
        `${node.name} to get its overlay address`,
        (own) =>
          session.config.overlay.admit(session.siteContext(node.site, own), network, {
            name: node.name,
            host,
          }),
      );
      await noteReached(session, reached, { overlayAddress: member.address });
      step.result(member.address);
      return {
        ...plannedNode(node),
        machine,
        address,
        port,
        user: session.user,
        ...(machine.publicAddress ? { publicAddress: machine.publicAddress } : {}),
        ...(machine.privateAddress ? { privateAddress: machine.privateAddress } : {}),
        overlayAddress: member.address,
        overlayInterface: member.interfaceName,
        memberId: member.memberId,
        host,
        lastStep: step.id,
        probe: (own: AbortSignal) => probe(parts.connections, node, { host: address, port }, own),
      };
    },
  );
}

function plannedNode({ name, site, role, labels, jump }: TopologyNode) {
  return { name, site, role, labels, jump };
}

/** Dials SSH afresh and reads the server's greeting, which any SSH client needs before all else. */
export async function probe(
  connections: Connections,
  node: Pick<TopologyNode, "site" | "jump">,
  target: DialTarget,
  signal: AbortSignal,
): Promise<void> {
  const dial = await connections.dialer(node);
  const stream = await dial(target, { signal, timeoutMs: 10_000 });
  try {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(10_000)]);
    await new Promise<void>((resolve, reject) => {
      deadline.addEventListener("abort", () => reject(deadline.reason), { once: true });
      stream.once("data", (chunk: Buffer) =>
        chunk.toString("latin1").startsWith("SSH-2.0")
          ? resolve()
          : reject(new Error("no SSH server answers there")),
      );
      stream.once("error", reject);
      stream.once("close", () => reject(new Error("the connection was closed before the SSH greeting")));
    });
  } finally {
    stream.on("error", () => {});
    stream.destroy();
  }
}

import type { EngineNode } from "../contracts/engine.js";
import { addressOf } from "../hosts/address-of.js";
import type { Connections } from "../hosts/connect.js";
import type { PlacedMachine } from "../hosts/connect-machine.js";
import { isNodeMachine } from "../topology/topology.js";
import { engineNode } from "./reset-hosts.js";
import type { Session } from "./session.js";

/** How long a machine that leaves may take to answer; one that does not has nothing left to be stopped. */
const patienceMs = 30_000;

/** Connects, when asked and once, to machines that are about to be deleted; those that do not answer are left out. */
export function leavingNodes(
  session: Session,
  connections: Connections,
  machines: readonly PlacedMachine[],
): () => Promise<readonly EngineNode[]> {
  let found: Promise<readonly EngineNode[]> | undefined;
  return () => (found ??= connectAll());

  async function connectAll(): Promise<readonly EngineNode[]> {
    const running = machines
      .filter(isNodeMachine)
      .filter((machine) => addressOf(session, machine, machine) !== undefined);
    const results = await Promise.allSettled(
      running.map((machine) => engineNode(session, connections, machine, { deadlineMs: patienceMs })),
    );
    session.signal.throwIfAborted();
    return results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  }
}

import type { AbsentNode, EngineNode, EngineOperation } from "../contracts/engine.js";
import type { Machine } from "../contracts/provider.js";
import { MulticloudError, ValidationError } from "../errors/multicloud-error.js";
import { addressOf } from "../hosts/address-of.js";
import { type Connections, openConnections } from "../hosts/connect.js";
import type { TopologyNode } from "../topology/topology.js";
import { engineNode } from "./reset-hosts.js";
import { type Session, withDeadline } from "./session.js";
import { askSite } from "./status.js";

/** How long a node may take to answer before it counts as absent. */
const patienceMs = 30_000;

/**
 * Runs an operation of the engine on the nodes of the configuration. Those that do not exist or do not answer
 * are told to it: whether it can do without them is the engine's to judge.
 *
 * @throws ValidationError when the operation is another engine object's
 */
export async function operate<T>(session: Session, operation: EngineOperation<T>): Promise<T> {
  const { config, state, steps, timing } = session;
  if (operation?.engine !== config.engine) {
    throw new ValidationError([
      {
        path: "operation",
        message: `${operation?.name ?? "it"} is not of the engine that the configuration has: it would run with other options`,
        hint: "keep the engine in a variable, give it to multicloud(), and make the operation with the same one",
      },
    ]);
  }
  const connections = openConnections(session);
  try {
    const found = await steps.run({ kind: "ssh", title: "connecting to the nodes" }, async (step) => {
      const nodes = await reach(session, connections);
      step.result(`${nodes.present.length} of ${nodes.present.length + nodes.absent.length} answer`);
      return nodes;
    });
    const title = `${config.engine.name}: ${operation.name}`;
    return await steps.run({ kind: "engine", subject: operation.name, title }, () =>
      withDeadline(session.signal, timing.engineMs, operation.name, async (own) => {
        const { value, kubeconfig } = await operation.run(session.engineContext(own), found);
        if (kubeconfig !== undefined) await state.write("kubeconfig", kubeconfig);
        return value;
      }),
    );
  } finally {
    await connections.close();
  }
}

interface Reached {
  readonly present: readonly EngineNode[];
  readonly absent: readonly AbsentNode[];
}

async function reach(session: Session, connections: Connections): Promise<Reached> {
  const network = await session.config.overlay.find(session.context());
  if (!network) {
    throw new MulticloudError(`there is no overlay network of ${session.config.name}`, {
      code: "NOT_FOUND",
      hint: "run up() first",
    });
  }
  const answers = await Promise.all(session.sites.map(({ name }) => askSite(session, name)));
  const nodes = session.sites.flatMap((site) => site.nodes);
  const results = await Promise.all(
    nodes.map(async (node): Promise<EngineNode | AbsentNode> => {
      const { machines, seen = [], error } = answers.find(({ site }) => site === node.site)!;
      const machine = (machines ?? seen).find(({ name }) => name === node.name);
      if (machine) return reachOne(session, connections, node, machine, network.interfaceName);
      return absent(node, error ? `its cloud did not answer: ${error.message}` : "it does not exist");
    }),
  );
  return {
    present: results.filter((result): result is EngineNode => "host" in result),
    absent: results.filter((result): result is AbsentNode => "reason" in result),
  };
}

async function reachOne(
  session: Session,
  connections: Connections,
  node: TopologyNode,
  machine: Machine,
  overlayInterface: string,
): Promise<EngineNode | AbsentNode> {
  if (!addressOf(session, node, machine)) return absent(node, `its machine is ${machine.status}`);
  if ((await session.records.read(node.name)).overlayAddress === undefined)
    return absent(node, "it was never on the overlay");
  try {
    const deadlineMs = Math.min(patienceMs, session.timing.sshMs);
    const reached = await engineNode(
      session,
      connections,
      { ...machine, site: node.site, role: node.role },
      { deadlineMs, overlayInterface },
    );
    return reached;
  } catch (error) {
    session.signal.throwIfAborted();
    return absent(node, error instanceof Error ? error.message : String(error));
  }
}

function absent({ name, site, role }: TopologyNode, reason: string): AbsentNode {
  return { name, site, role, reason };
}

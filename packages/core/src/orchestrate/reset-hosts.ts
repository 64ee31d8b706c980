import type { EngineNode } from "../contracts/engine.js";
import type { Machine } from "../contracts/provider.js";
import { type Connections, openConnections } from "../hosts/connect.js";
import { trustKnownKeys } from "../hosts/rotate.js";
import { addressOf, probe } from "./node-pipeline.js";
import { type Session, withDeadline } from "./session.js";
import { listAll } from "./status.js";

type PlacedMachine = Machine & { readonly site: string };

/**
 * Takes the cluster off machines that outlive it, before they are given back. Nothing happens when there are
 * none or when no engine has run. Engines need a master to know the cluster by, so one that is about to be
 * deleted lends a hand when no master outlives the cluster.
 */
export async function resetPersistentHosts(session: Session): Promise<void> {
  const persistent = new Set(
    session.sites.filter(({ config }) => config.provider.persistent).map(({ name }) => name),
  );
  if (persistent.size === 0 || !(await engineHasRun(session))) return;
  const machines = (await listAll(session)).filter((machine) => addressOf(session, machine, machine));
  const outliving = machines.filter(({ site }) => persistent.has(site));
  if (outliving.length === 0) return;
  const masters = outliving.some(({ role }) => role === "master")
    ? []
    : machines.filter(({ site, role }) => role === "master" && !persistent.has(site));
  await session.steps.run(
    { kind: "engine", title: `${session.config.engine.name}: off ${outliving.length} machines that stay` },
    async (step) => {
      const connections = openConnections(session);
      try {
        await withDeadline(session.signal, session.timing.engineMs, "the engine's reset", async (own) => {
          const nodes = await Promise.all(
            [...outliving, ...masters].map((machine) => engineNode(session, connections, machine)),
          );
          await session.config.engine.reset(session.engineContext(own), nodes);
        });
        // A repeat has nothing to take off any more.
        await session.state.delete("kubeconfig");
        step.result(outliving.map(({ name }) => name).join(", "));
      } finally {
        await connections.close();
      }
    },
  );
}

async function engineHasRun({ state }: Session): Promise<boolean> {
  return (await state.read("kubeconfig")) !== undefined || (await state.list("engine/")).length > 0;
}

async function engineNode(
  session: Session,
  connections: Connections,
  machine: PlacedMachine,
): Promise<EngineNode> {
  const { name, site, role, publicAddress, sshPort: port = 22 } = machine;
  const planned = session.sites.find((one) => one.name === site)!.nodes;
  const jump = machine.jump ?? planned[0]?.jump ?? [];
  const address = addressOf(session, machine, machine)!;
  if (machine.hostKeys) await trustKnownKeys(session, name, machine.hostKeys);
  const node = { name, site, jump };
  const host = await connections.connect(node, address, {
    port,
    signal: session.signal,
    deadlineMs: session.timing.sshMs,
    firstBoot: false,
  });
  const record = await session.records.read(name);
  return {
    name,
    site,
    role,
    labels: planned.find((one) => one.name === name)?.labels ?? {},
    jump,
    address,
    port,
    user: session.user,
    ...(publicAddress ? { publicAddress } : {}),
    overlayAddress: record.overlayAddress ?? address,
    overlayInterface: "",
    host,
    probe: (signal) => probe(connections, node, { host: address, port }, signal),
  };
}

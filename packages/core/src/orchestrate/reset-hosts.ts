import type { EngineNode } from "../contracts/engine.js";
import type { Machine, Role } from "../contracts/provider.js";
import type { RemoteHost } from "../contracts/remote-host.js";
import { addressOf } from "../hosts/address-of.js";
import { type Connections, openConnections } from "../hosts/connect.js";
import { connectMachine, type PlacedMachine } from "../hosts/connect-machine.js";
import { isNodeMachine } from "../topology/topology.js";
import { probe } from "./node-pipeline.js";
import { type Session, withDeadline } from "./session.js";
import { settle } from "./settle.js";
import { listAll } from "./status.js";

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
  const machines = (await listAll(session))
    .filter(isNodeMachine)
    .filter((machine) => addressOf(session, machine, machine));
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

/** A machine that exists as the engine sees it, its overlay address as of the last run. */
export async function engineNode(
  session: Session,
  connections: Connections,
  machine: PlacedMachine & { readonly role: Role },
  options: { readonly deadlineMs?: number; readonly overlayInterface?: string } = {},
): Promise<EngineNode> {
  const { name, site, role, publicAddress } = machine;
  const planned = session.sites.find((one) => one.name === site)!.nodes;
  const { deadlineMs, overlayInterface = "" } = options;
  const { host, address, port, jump } = await connectMachine(session, connections, machine, {
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
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
    overlayInterface,
    host,
    probe: (signal) => probe(connections, { site, jump }, { host: address, port }, signal),
  };
}

/**
 * Takes the overlay off machines of one site that are about to be given back. One that the cluster
 * cannot log in to (not yet, or not any more) is given back as it is, with a warning: its owner can still do so.
 */
export async function leaveOverlay(
  session: Session,
  site: string,
  machines: readonly Machine[],
): Promise<void> {
  const { overlay } = session.config;
  const { provider } = session.sites.find(({ name }) => name === site)!.config;
  const nodes = machines
    .filter(({ status }) => status === "running" || status === "creating")
    // One whose claim was cut off may be on the overlay already, and has an address as it stands there.
    .map((machine) => ({ ...machine, site, status: "running" as const }))
    .filter((machine) => addressOf(session, machine, machine));
  if (!provider.persistent || !overlay.leave || nodes.length === 0) return;
  const network = await overlay.find(session.context());
  if (!network) return;
  const connections = openConnections(session);
  try {
    await settle(
      nodes.map(async (machine) => {
        const { name } = machine;
        let host: RemoteHost;
        try {
          ({ host } = await connectMachine(session, connections, machine));
        } catch (error) {
          session.signal.throwIfAborted();
          session.context().report({
            type: "log",
            level: "warn",
            node: name,
            message: `${name} is given back with ${overlay.name} on it: ${error instanceof Error ? error.message : error}`,
          });
          return;
        }
        await overlay.leave?.(session.context(), network, { name, host });
      }),
      session.signal,
    );
  } finally {
    await connections.close();
  }
}

import type { Machine } from "../contracts/provider.js";
import type { BootableMachine } from "../orchestrate/desired.js";
import { leaveGateway } from "../orchestrate/entrypoint.js";
import { noteReached, type ReachedMachine, reachMachine } from "../orchestrate/machine-pipeline.js";
import type { ReadyNode } from "../orchestrate/node-pipeline.js";
import type { Session } from "../orchestrate/session.js";
import { removeMachines, type SiteWork } from "../orchestrate/site-work.js";
import { forgetAddress } from "./address.js";
import { ensureGateways } from "./ensure.js";

/** The machines that gateways asked for, by site: made, or on their way. */
export type GatewayMachines = Map<string, Promise<ReachedMachine>>;

/** What there is when a run begins. */
export interface BeforeRun {
  /** Machines by site. */
  readonly existing: ReadonlyMap<string, readonly Machine[]>;
  /** Names of machines that are to be made anew at once: nobody is served by them. */
  readonly replaced: ReadonlySet<string>;
}

/** Gives each gateway that wants one its machine; only the gateway waits for it. */
export function gatewayMachines(
  session: Session,
  work: SiteWork,
  wanted: readonly BootableMachine[],
  { existing, replaced }: BeforeRun,
): GatewayMachines {
  const machines: GatewayMachines = new Map();
  for (const bootable of wanted) {
    const { site, name } = bootable;
    const machine = existing.get(site)?.find((one) => one.name === name && one.status !== "deleting");
    machines.set(site, guarded(make(session, work, bootable, machine, replaced.has(name))));
  }
  return machines;
}

// Each failure reaches the run through the gateway; as an unhandled rejection it would end the process.
function guarded(machine: Promise<ReachedMachine>): Promise<ReachedMachine> {
  machine.catch(() => {});
  return machine;
}

async function make(
  session: Session,
  work: SiteWork,
  bootable: BootableMachine,
  machine: Machine | undefined,
  anew: boolean,
): Promise<ReachedMachine> {
  const { site } = bootable;
  if (machine && anew) await removeMachines(session, work.machines(site), site, [machine]);
  const reached = await reachMachine(session, work.parts(site), bootable, anew ? undefined : machine);
  await noteReached(session, reached);
  return reached;
}

/**
 * Makes the machines of gateways that serve anew, one after the other, each until it serves again: first the record
 * points at another site, if one is alive. Old and new cannot be there side by side, for they share a name, and mostly
 * the one address that a router passes connections to.
 */
export async function replaceGateways(
  session: Session,
  work: SiteWork,
  wanted: readonly BootableMachine[],
  machines: GatewayMachines,
  { existing, ready }: Pick<BeforeRun, "existing"> & { readonly ready: readonly ReadyNode[] },
): Promise<void> {
  for (const [index, bootable] of wanted.entries()) {
    const { site, name } = bootable;
    const old = existing.get(site)?.find((one) => one.name === name);
    if (!old) continue;
    await leaveGateway(
      session,
      site,
      wanted.slice(index + 1).map((later) => later.site),
      ready,
    );
    // The next one may have another.
    await forgetAddress(session, site);
    const made = guarded(make(session, work, bootable, old, true));
    machines.set(site, made);
    await made;
    await ensureGateways(session, ready, machines, [site]);
  }
}

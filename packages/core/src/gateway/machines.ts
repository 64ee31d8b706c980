import type { Machine } from "../contracts/provider.js";
import type { BootableMachine } from "../orchestrate/desired.js";
import { leaveGateway } from "../orchestrate/entrypoint.js";
import { noteReached, type ReachedMachine, reachMachine } from "../orchestrate/machine-pipeline.js";
import type { Session } from "../orchestrate/session.js";
import { removeMachines, type SiteWork } from "../orchestrate/site-work.js";

/** What there is when a run begins. */
export interface BeforeRun {
  /** Machines by site. */
  readonly existing: ReadonlyMap<string, readonly Machine[]>;
  /** Names of machines that are to be made anew. */
  readonly replaced: ReadonlySet<string>;
}

/**
 * Gives each gateway that wants one its machine, by site; only the gateway waits for it. A machine that is to be
 * replaced goes first, once the record points at another site: two of them could not have one address.
 */
export function gatewayMachines(
  session: Session,
  work: SiteWork,
  wanted: readonly BootableMachine[],
  { existing, replaced }: BeforeRun,
): ReadonlyMap<string, Promise<ReachedMachine>> {
  const machines = wanted
    .filter(({ role }) => role === "gateway")
    .map((bootable) => [bootable.site, make(bootable)] as const);
  // Each failure reaches the run through the gateway; as an unhandled rejection it would end the process.
  for (const [, machine] of machines) machine.catch(() => {});
  return new Map(machines);

  async function make(bootable: BootableMachine): Promise<ReachedMachine> {
    const { site, name } = bootable;
    let machine = existing.get(site)?.find((one) => one.name === name && one.status !== "deleting");
    if (machine && replaced.has(name)) {
      await leaveGateway(session, site, existing);
      await removeMachines(session, work.machines(site), site, [machine]);
      machine = undefined;
    }
    const reached = await reachMachine(session, work.parts(site), bootable, machine);
    await noteReached(session, reached);
    return reached;
  }
}

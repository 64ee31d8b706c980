import type { Machine } from "../contracts/provider.js";
import { delay } from "../plugin/delay.js";
import type { StepHandle } from "../run/steps.js";
import type { BootableMachine } from "./desired.js";
import { type Session, withDeadline } from "./session.js";
import type { SiteMachines } from "./site-machines.js";
import { machineFailed } from "./site-watch.js";

/** Builds of one machine in one run, when each fails for a reason that passes. */
const buildsAtMost = 3;

/**
 * Waits until a machine runs. One that failed for a passing reason of its cloud is deleted with all that came
 * with it and asked for again; a run that is cut off in between leaves a failed machine or none, and the next
 * one goes on from either.
 */
export async function waitForMachine(
  session: Session,
  machines: SiteMachines,
  bootable: BootableMachine,
  step: StepHandle,
): Promise<Machine> {
  const { name, site } = bootable;
  const { signal, timing } = session;
  for (let build = 1; ; build++) {
    const machine = await withDeadline(signal, timing.machineMs, `${name} to run`, (own) =>
      machines.running(name, own),
    );
    if (machine.status !== "failed") return machine;
    if (build >= buildsAtMost) throw machineFailed(site, name, machine.fault);
    step.progress(
      `build ${build} of at most ${buildsAtMost} failed: ${machine.fault ?? "no reason given"}; trying again`,
    );
    await machines.delete([machine]);
    await delay(timing.pollMs * 2 ** build * (0.75 + 0.5 * Math.random()), signal);
    await machines.create(bootable);
  }
}

import type { VirtualMachine } from "../world/machines.js";
import type { World } from "../world/world.js";

// The controller manager's default `--node-monitor-grace-period`: a silent node becomes NotReady after it.
const gracePeriodMs = 40_000;
// The kubelet's default `nodeStatusUpdateFrequency`.
const updateMs = 10_000;

/** What a kubelet's heartbeat tells. */
export interface Heartbeat {
  /** The kubelet has ended: its node becomes NotReady after the grace period, unless one runs again by then. */
  stop(isBack: () => boolean): void;
}

/**
 * Says whether a node is heard while its kubelet runs: not any more some time after its machine lost its power, and
 * again once the power is back.
 */
export function heartbeat(
  { network, clock }: Pick<World, "network" | "clock">,
  { spec }: VirtualMachine,
  setReady: (ready: boolean) => void,
): Heartbeat {
  let powered = true;
  let running = true;
  const unlisten = network.onPower(spec.id, (on) => {
    powered = on;
    clock.after(on ? updateMs : gracePeriodMs, () => {
      if (running && powered === on) setReady(on);
    });
  });
  return {
    stop(isBack) {
      running = false;
      unlisten();
      clock.after(gracePeriodMs, () => {
        if (!isBack()) setReady(false);
      });
    },
  };
}

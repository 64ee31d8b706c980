import { createMachines } from "../machine/create-machines.js";
import { createClock } from "./clock.js";
import { createEffects } from "./effects.js";
import { createFaults } from "./faults.js";
import { createNetwork, type NetworkOptions } from "./network-fabric.js";
import { instantTiming, type Timing } from "./timing.js";
import type { World } from "./world.js";

/** Settings of a sandbox's world. */
export interface WorldOptions {
  /** Real seconds per virtual second, default 0: everything happens at once. */
  readonly scale?: number;
  /** How long things take in virtual time; what is missing takes no time. */
  readonly timing?: Partial<Timing>;
  readonly network?: NetworkOptions;
}

/** A world that can be taken down. */
export interface RunningWorld extends World {
  /** Powers all machines off, breaks all connections and cancels all that is pending. */
  close(): void;
}

/** Puts clock, network and machines together: what all emulators of one sandbox share. */
export function createWorld(options: WorldOptions = {}): RunningWorld {
  const clock = createClock(options.scale ?? 0);
  const timing: Timing = { ...instantTiming, ...options.timing };
  const effects = createEffects();
  const network = createNetwork(clock, timing, options.network);
  const machines = createMachines({ clock, effects, network, timing });
  return {
    clock,
    timing,
    effects,
    faults: createFaults(),
    network,
    machines,
    close() {
      machines.close();
      network.close();
      clock.stop();
    },
  };
}

import type { Clock } from "./clock.js";
import type { Effects } from "./effects.js";
import type { Faults } from "./faults.js";
import type { Machines } from "./machines.js";
import type { Network } from "./network.js";
import type { Timing } from "./timing.js";

/** What all emulators share. */
export interface World {
  readonly clock: Clock;
  readonly effects: Effects;
  readonly faults: Faults;
  readonly network: Network;
  readonly machines: Machines;
  readonly timing: Timing;
}

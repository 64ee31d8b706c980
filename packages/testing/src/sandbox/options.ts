import type { Timing } from "../world/timing.js";

/** Settings of the sandbox. */
export interface SandboxOptions {
  /** Real seconds per virtual second: 1 is real time, 0.1 ten times as fast. Default 0: everything happens at once. */
  readonly scale?: number;
  /** How long things take, in virtual milliseconds. Default: as on real clouds, roughly. */
  readonly timing?: Partial<Timing>;
  /** Most machines that any of the clouds gives. Default 200. */
  readonly machineLimit?: number;
  /** Whether the machine at home has a reverse proxy of its own, before anybody sets one up. Default true. */
  readonly homeProxy?: boolean;
}

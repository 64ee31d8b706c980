import type { MachineShape } from "@multicloud/core/plugin";
import type { OpenStackPoolOptions } from "./options.js";

/** Names that a pool's `providerOptions` may have. */
export const poolOptionNames: readonly (keyof OpenStackPoolOptions)[] = ["availabilityZone"];

/** The pool's own settings for this provider; `check` has judged them. */
export function poolOptions(machine: MachineShape): OpenStackPoolOptions {
  const zone = machine.providerOptions?.availabilityZone;
  return typeof zone === "string" ? { availabilityZone: zone } : {};
}

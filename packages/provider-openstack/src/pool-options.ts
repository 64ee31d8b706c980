import { isIP } from "node:net";
import type { MachineShape } from "@multicloud/core/plugin";
import type { OpenStackPoolOptions } from "./options.js";

/** What each of a pool's `providerOptions` may be: what is wrong with a value, or `undefined`. */
const rules: Readonly<Record<keyof OpenStackPoolOptions, (value: unknown) => string | undefined>> = {
  availabilityZone: (value) => (isName(value) ? undefined : "must be a name"),
  network: (value) =>
    isName(value) || (Array.isArray(value) && value.length > 0 && value.every(isName))
      ? undefined
      : "must be a name or a list of names",
  floatingIp: (value) =>
    typeof value === "boolean" || isName(value) ? undefined : "must be true, false or a network's name",
  fixedIps: (value) =>
    typeof value === "object" && value !== null && Object.values(value).every((ip) => isIP(String(ip)) > 0)
      ? undefined
      : "must have an IP address for each machine's name",
};

/** Names that a pool's `providerOptions` may have. */
export const poolOptionNames = Object.keys(rules) as readonly (keyof OpenStackPoolOptions)[];

/** What is wrong with the value of an option that there is. */
export function poolOptionProblem(name: keyof OpenStackPoolOptions, value: unknown): string | undefined {
  return rules[name](value);
}

/** The pool's own settings for this provider; what `check` would refuse is left out. */
export function poolOptions(machine: MachineShape): OpenStackPoolOptions {
  const given = Object.entries(machine.providerOptions ?? {});
  const known = given.filter(([name, value]) => {
    const judge = rules[name as keyof OpenStackPoolOptions];
    return judge !== undefined && judge(value) === undefined;
  });
  return Object.fromEntries(known);
}

function isName(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}

import type { Case } from "../describe-cases.js";
import type { EntrypointAbility } from "./harness.js";
import type { EntrypointTrial } from "./trial.js";

/** One thing that every DNS plugin has to do. */
export type EntrypointCase = Case<EntrypointTrial, EntrypointAbility>;

/** Addresses to set, sorted; of both families, so that neither is forgotten. */
export const first = ["198.51.100.7", "198.51.100.8", "2001:db8::7"];
/** Others, of which none is in {@link first}. */
export const second = ["192.0.2.9", "2001:db8::9"];
/** An address that somebody else uses. */
export const foreign = "203.0.113.66";

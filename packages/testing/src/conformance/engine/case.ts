import type { Case } from "../describe-cases.js";
import type { EngineAbility } from "./harness.js";
import type { EngineTrial } from "./trial.js";

/** One thing that every engine has to do. */
export type EngineCase = Case<EngineTrial, EngineAbility>;

/** Names as core gives them: cluster, site, role, number. */
export const master = "lab-a-master-1";
export const secondMaster = "lab-b-master-1";
export const thirdMaster = "lab-c-master-1";
export const worker = "lab-a-worker-1";
export const secondWorker = "lab-b-worker-1";

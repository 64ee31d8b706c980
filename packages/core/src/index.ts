/**
 * One Kubernetes cluster over several clouds, from a TypeScript script.
 *
 * @module
 */
export {
  defaultFirewall,
  type MulticloudConfig,
  type PoolConfig,
  type SiteConfig,
  type SshConfig,
  type TimingConfig,
} from "./config/config.js";
export type { Dialer, DialOptions, DialTarget } from "./contracts/dialer.js";
export type { EngineOperation } from "./contracts/engine.js";
export type { GatewayBackend } from "./contracts/gateway.js";
export type { DrillMoment, DrillOptions, DrillResult } from "./drill/drill.js";
export type { SiteCut } from "./drill/site-power.js";
export type { WatchOptions } from "./entrypoint/watch.js";
export type { ErrorCode } from "./errors/codes.js";
export { formatProblem, MulticloudError, ValidationError } from "./errors/multicloud-error.js";
export type { GatewayStatus } from "./gateway/status.js";
export type { Inventory, InventoryGateway, InventoryHost } from "./inventory/inventory.js";
export { type KubeconfigOptions, type Multicloud, multicloud, type VerbOptions } from "./multicloud.js";
export type { DestroyResult } from "./orchestrate/destroy.js";
export type { EntrypointState } from "./orchestrate/entrypoint.js";
export { RunError } from "./orchestrate/settle.js";
export type { NodeStatus, StatusResult } from "./orchestrate/status.js";
export type { UpNode, UpResult } from "./orchestrate/up.js";
export { formatPlan } from "./plan/format-plan.js";
export type { GatewayPlan } from "./plan/gateway-plan.js";
export type { Plan, PlanAction } from "./plan/plan.js";
export type { CriticalStep, Timings } from "./run/critical-path.js";
export type { RunEvent, Step, StepKind, Verb } from "./run/events.js";
export type { Run } from "./run/run.js";
export type { FinishedStep } from "./run/steps.js";
export { directoryStore } from "./state/directory-store.js";

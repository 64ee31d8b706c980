/**
 * All that a plugin imports: the contract types, the errors, and helpers for talking to services. Nothing
 * here reaches the orchestrator.
 *
 * @module
 */
export type * from "./contracts/addon.js";
export type * from "./contracts/context.js";
export type * from "./contracts/dialer.js";
export type * from "./contracts/dns-entrypoint.js";
export type * from "./contracts/engine.js";
export type * from "./contracts/fragment.js";
export type * from "./contracts/gateway.js";
export type * from "./contracts/kubernetes.js";
export type * from "./contracts/overlay.js";
export type * from "./contracts/provider.js";
export type * from "./contracts/remote-host.js";
export type * from "./contracts/spec-version.js";
export type * from "./contracts/state-store.js";
export {
  type Decision,
  type DecisionInput,
  decide,
  type EntryOpinion,
  type EntrypointPolicy,
  type Verdict,
} from "./entrypoint/decide.js";
export {
  forgiveMs,
  type Health,
  type HealthLimits,
  newHealth,
  observe,
} from "./entrypoint/health.js";
export { answersGreeting, greetedName, tlsGreeting } from "./entrypoint/tls-greeting.js";
export type { ErrorCode } from "./errors/codes.js";
export {
  type ErrorDetails,
  formatProblem,
  MulticloudError,
  ValidationError,
} from "./errors/multicloud-error.js";
export { type ApplyOptions, type ApplyResult, applyFragment } from "./fragment/apply-fragment.js";
export { applyLock } from "./fragment/apply-lock.js";
export { fragmentPaths } from "./fragment/fragment-paths.js";
export { delay } from "./plugin/delay.js";
export {
  createHttp,
  type Http,
  type HttpOptions,
  type HttpRequest,
  type HttpResponse,
} from "./plugin/http.js";
export { nearest } from "./plugin/nearest.js";
export { type PollOptions, poll } from "./plugin/poll.js";
export { redact } from "./plugin/redact.js";
export { type RemoteLock, scriptUnderLock, underLock } from "./plugin/remote-lock.js";

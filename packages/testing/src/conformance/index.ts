/**
 * What every provider, cluster engine, overlay and DNS plugin has to do, as tests: the same that the SDK's own plugins
 * pass. Needs vitest.
 *
 * @module
 */
export { describeProvider } from "./describe-provider.js";
export { describeEngine } from "./engine/describe-engine.js";
export {
  type EmulatedMachines,
  type EngineClients,
  emulatedMachines,
} from "./engine/emulated-machines.js";
export type {
  EngineAbility,
  EngineHarness,
  EngineSuite,
  SeenFile,
  WrongOptions,
} from "./engine/harness.js";
export { describeEntrypoint } from "./entrypoint/describe-entrypoint.js";
export type {
  EntrypointAbility,
  EntrypointHarness,
  EntrypointSuite,
} from "./entrypoint/harness.js";
export type { Ability, CloudThing, ProviderHarness, ProviderSuite } from "./harness.js";
export { describeOverlay } from "./overlay/describe-overlay.js";
export type {
  OverlayAbility,
  OverlayHarness,
  OverlayNode,
  OverlaySuite,
} from "./overlay/harness.js";
export { type FetchWatch, watchFetch } from "./watch-fetch.js";

/**
 * Keeps a DNS name on live entry addresses from inside the cluster.
 *
 * @module
 */
export { agentProgram, agentSettings, type EntrypointAgentAddon, entrypointAgent } from "./addon/addon.js";
export { entrypointAgentManifest, type ManifestInput, nodeFlags } from "./addon/manifest.js";
export type { EntrypointAgentOptions } from "./addon/options.js";
export type { AgentSettings, AgentTiming, ProbeSettings } from "./agent/settings.js";

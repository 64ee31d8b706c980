/**
 * What every provider has to do, as tests: the same that the SDK's own providers pass. Needs vitest.
 *
 * @module
 */
export { describeProvider } from "./describe-provider.js";
export type { Ability, CloudThing, ProviderHarness, ProviderSuite } from "./harness.js";
export { type FetchWatch, watchFetch } from "./watch-fetch.js";

/**
 * Things that run in a `@multicloud` cluster: storage, certificates, and a page that shows that it works.
 *
 * @module
 */
export { certManager } from "./cert-manager/cert-manager.js";
export type { CertManagerOptions, CloudflareDns01 } from "./cert-manager/options.js";
export { type HelloWorldOptions, helloWorld } from "./hello-world/hello-world.js";
export { longhorn } from "./longhorn/longhorn.js";
export type { LonghornOptions, LonghornUiOptions } from "./longhorn/options.js";
export type { ManifestOptions, ManifestSource } from "./manifest/source.js";

/**
 * Things that run in a `@multicloud` cluster: storage, certificates, an ingress controller, a page that shows that
 * it works, and your own.
 *
 * @module
 */
export { certManager } from "./cert-manager/cert-manager.js";
export type { CertManagerOptions, CloudflareDns01 } from "./cert-manager/options.js";
export { addon } from "./custom/addon.js";
export type { AddonOptions, HelmChartOptions } from "./custom/options.js";
export { type HelloWorldOptions, helloWorld } from "./hello-world/hello-world.js";
export { longhorn } from "./longhorn/longhorn.js";
export type { LonghornOptions, LonghornUiOptions } from "./longhorn/options.js";
export type { ManifestOptions, ManifestSource } from "./manifest/source.js";
export { type RookCephOptions, rookCeph } from "./rook-ceph/rook-ceph.js";
export { type TraefikOptions, traefik } from "./traefik/traefik.js";

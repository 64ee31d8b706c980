export type { ClusterYml, ClusterYmlNode } from "./cluster-yml/schema.js";
export type {
  K3sAgentConfig,
  K3sServerConfig,
  Rke2AgentConfig,
  Rke2ServerConfig,
} from "./distribution/config-keys.js";
export type { DistributionOptions } from "./distribution/options.js";
export { type K3sOptions, k3s } from "./k3s.js";
export type { RkeOperations } from "./operations/operations.js";
export type { RotateCertificatesOptions, RotatedCertificates } from "./operations/rotate-certificates.js";
export type { Snapshot } from "./operations/snapshot-files.js";
export type { RestoredCluster, SnapshotRestoreOptions } from "./operations/snapshot-restore.js";
export type { SavedSnapshot, SnapshotSaveOptions } from "./operations/snapshot-save.js";
export {
  defaultVersion,
  type RkeBastion,
  type RkeConfig,
  type RkeNodeConfig,
  type RkeOptions,
} from "./options.js";
export { type RkeEngine, rke } from "./rke.js";
export { type Rke2Options, rke2 } from "./rke2.js";

export type { ClusterYml, ClusterYmlNode } from "./cluster-yml/schema.js";
export type {
  K3sAgentConfig,
  K3sServerConfig,
  Rke2AgentConfig,
  Rke2ServerConfig,
} from "./distribution/config-keys.js";
export type { DistributionOptions } from "./distribution/options.js";
export { type K3sOptions, k3s } from "./k3s.js";
export {
  defaultVersion,
  type RkeBastion,
  type RkeConfig,
  type RkeNodeConfig,
  type RkeOptions,
} from "./options.js";
export { rke } from "./rke.js";
export { type Rke2Options, rke2 } from "./rke2.js";

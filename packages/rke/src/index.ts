export type { ClusterYml, ClusterYmlNode } from "./cluster-yml/schema.js";
export {
  defaultVersion,
  type RkeBastion,
  type RkeConfig,
  type RkeNodeConfig,
  type RkeOptions,
} from "./options.js";
export { rke } from "./rke.js";

export { interfaceName } from "./interface-name.js";
export type { ControllerKind, NetworkCreation, ZeroTierOptions } from "./options.js";
export { zerotier } from "./zerotier.js";

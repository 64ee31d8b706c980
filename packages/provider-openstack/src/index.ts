export { openstack } from "./openstack.js";
export type { OpenStackOptions, OpenStackPoolOptions } from "./options.js";

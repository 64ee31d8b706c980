export type { StaticHost } from "./hosts.js";
export { type StaticOptions, staticHosts } from "./static-hosts.js";

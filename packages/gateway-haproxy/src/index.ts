/**
 * HAProxy in front of a site behind NAT.
 *
 * @module
 */
export { haproxyGateway } from "./haproxy-gateway.js";
export type { GatewayHost, HaproxyGatewayOptions, HaproxySettings } from "./options.js";

/**
 * HAProxy in front of a site behind NAT.
 *
 * @module
 */
export { haproxyGateway } from "./haproxy-gateway.js";
export type { GatewayHost, GatewayPlace, HaproxyGatewayOptions, HaproxySettings } from "./options.js";

/**
 * The entrypoint's record in a zone of your own: BIND, Knot, PowerDNS, anything that takes RFC 2136 with TSIG.
 *
 * @module
 */
export type { Rfc2136Options, TsigKeyOptions } from "./options.js";
export { rfc2136 } from "./rfc2136.js";
export type { TsigAlgorithm } from "./tsig.js";

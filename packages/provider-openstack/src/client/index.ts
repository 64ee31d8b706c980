/**
 * A small typed client of OpenStack: authentication, catalog, paging and microversions, and the calls that
 * making machines needs. Usable by itself.
 *
 * @module
 */
export type { OpenStackAuth } from "./auth.js";
export type { OpenStackCall } from "./call.js";
export type { Cinder, Volume, VolumeLimits, VolumeType } from "./cinder.js";
export { createOpenStackClient, type OpenStackClient } from "./client.js";
export type { Glance, Image } from "./glance.js";
export type {
  FloatingIp,
  Network,
  NetworkQuota,
  NetworkQuotas,
  Neutron,
  Port,
  PortCreate,
  SecurityGroup,
  SecurityGroupRule,
  SecurityGroupRuleCreate,
} from "./neutron.js";
export type {
  BlockDevice,
  ComputeLimits,
  Flavor,
  Keypair,
  Nova,
  Server,
  ServerAddress,
  ServerCreate,
  ServerGroup,
  ServerGroupPolicy,
} from "./nova.js";
export { atLeast } from "./service.js";
export type { Authorization, SessionOptions } from "./session.js";
export type { CloudSettings, ConnectionOptions, EndpointInterface } from "./settings.js";

import type { OpenStackFlavor, OpenStackQuotas } from "./options.js";

/** The quotas of a fresh installation (Nova, Neutron and Cinder configuration references). */
export const defaultQuotas: OpenStackQuotas = {
  instances: 10,
  cores: 20,
  ram: 51_200,
  keyPairs: 100,
  securityGroups: 10,
  securityGroupRules: 100,
  serverGroups: 10,
  serverGroupMembers: 10,
  ports: 500,
  floatingIps: 50,
  volumes: 10,
  gigabytes: 1000,
};

/** Sizes of machines. */
export const defaultFlavors: readonly OpenStackFlavor[] = [
  { name: "g1.small", vcpus: 1, ram: 2048, disk: 10 },
  { name: "g1.medium", vcpus: 2, ram: 4096, disk: 20 },
  { name: "g1.large", vcpus: 4, ram: 8192, disk: 40 },
];

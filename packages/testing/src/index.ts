/**
 * Emulated clouds, machines and a Kubernetes cluster on loopback, for trying and testing without an account.
 *
 * @module
 */
export {
  type CloudflareDns,
  type CloudflareDnsOptions,
  createCloudflare,
} from "./cloudflare/cloudflare-dns.js";
export {
  createDigitalOcean,
  type DigitalOceanCloud,
  type DigitalOceanCloudOptions,
} from "./digitalocean/digitalocean-cloud.js";
export { createDistributions, type Distributions } from "./distribution/module.js";
export { createKubernetesClusters } from "./kubernetes/kubernetes-cluster.js";
export { createOpenStack } from "./openstack/openstack-cloud.js";
export type { OpenStackCloud, OpenStackOptions } from "./openstack/options.js";
export { createReleases, type ReleasedManifest, type Releases } from "./releases/releases.js";
export { dockerModule } from "./rke/docker/module.js";
export { createRkeTool } from "./rke/tool/rke-tool.js";
export type { SandboxOptions } from "./sandbox/options.js";
export type { Services } from "./sandbox/resources.js";
export { type Manifest, type Sandbox, sandbox } from "./sandbox/sandbox.js";
export { createWorld, type RunningWorld, type WorldOptions } from "./world/create-world.js";
export type { Effect, Effects } from "./world/effects.js";
export type { Fault, Faults } from "./world/faults.js";
export type { MachineModule, MachineSpec, Machines, VirtualMachine } from "./world/machines.js";
export type { Network } from "./world/network.js";
export { startSocks } from "./world/socks-server.js";
export { instantTiming, realisticTiming, type Timing } from "./world/timing.js";
export type { World } from "./world/world.js";
export { createZeroTier, type ZeroTierWorld } from "./zerotier/zerotier.js";

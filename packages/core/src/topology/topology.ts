import type { MulticloudConfig, PoolConfig, SiteConfig } from "../config/config.js";
import { jumpsOf } from "../config/validate.js";
import type { PlannedNode } from "../contracts/engine.js";
import type { NodeFragment } from "../contracts/fragment.js";
import type { MachineRole, MachineShape, Role } from "../contracts/provider.js";
import type { JumpHost } from "../contracts/remote-host.js";

/** What machines of one kind are made from. */
export interface MachinePool extends Pick<MachineShape, "size" | "image" | "disk" | "providerOptions"> {
  readonly boot?: NodeFragment;
}

/** A machine as the configuration wants it. */
export interface TopologyMachine {
  readonly name: string;
  readonly site: string;
  readonly role: MachineRole;
  /** SSH chain from the operator to the machine, outermost first. */
  readonly jump: readonly JumpHost[];
  /** What its provider needs to know. */
  readonly shape: MachineShape;
  /** Machines of one pool are equal but for their names. */
  readonly pool: MachinePool;
}

/** A machine that is to be a node of the cluster. */
export interface TopologyNode extends TopologyMachine, PlannedNode {
  readonly role: Role;
}

/** One site with its machines. */
export interface TopologySite {
  readonly name: string;
  readonly config: SiteConfig;
  readonly nodes: readonly TopologyNode[];
  /** That its gateway wants to be made for it. A site without nodes has no gateway. */
  readonly gatewayMachine?: TopologyMachine;
}

/**
 * Sites × pools → nodes with deterministic names (`<cluster>-<site>-<role>-<n>`), so that a node cut off
 * while it was made is found again by its name.
 */
export function topology(config: MulticloudConfig): readonly TopologySite[] {
  return Object.entries(config.sites).map(([name, site]) => {
    const nodes = [
      ...poolNodes(config.name, name, site, "master", site.masters),
      ...poolNodes(config.name, name, site, "worker", site.workers),
    ];
    const spec = nodes.length > 0 ? site.gateway?.machine : undefined;
    return {
      name,
      config: site,
      nodes,
      ...(spec ? { gatewayMachine: machineOf(config.name, name, site, "gateway", spec, 1) } : {}),
    };
  });
}

/** All machines of a site: its nodes, then its gateway's. */
export const machinesOf = ({ nodes, gatewayMachine }: TopologySite): readonly TopologyMachine[] =>
  gatewayMachine ? [...nodes, gatewayMachine] : nodes;

/** Where the machines of a role stand in a site's configuration. */
export const placeOf = (role: MachineRole) => (role === "gateway" ? "gateway.machine" : `${role}s`);

/** Name of the machine that a site's provider makes for its gateway. */
export const gatewayName = (cluster: string, site: string) => machineName(cluster, site, "gateway", 1);

const machineName = (cluster: string, site: string, role: MachineRole, number: number) =>
  `${cluster}-${site}-${role}-${number}`;

/** Whether a machine is, or is to be, a node of the cluster. */
export const isNodeMachine = <M extends { readonly role: MachineRole }>(
  machine: M,
): machine is M & { readonly role: Role } => machine.role !== "gateway";

function machineOf<R extends MachineRole>(
  cluster: string,
  siteName: string,
  site: SiteConfig,
  role: R,
  pool: MachinePool,
  number: number,
): TopologyMachine & { readonly role: R } {
  const name = machineName(cluster, siteName, role, number);
  return {
    name,
    site: siteName,
    role,
    jump: jumpsOf(site),
    pool,
    shape: {
      name,
      role,
      size: pool.size,
      image: pool.image,
      ...(pool.disk ? { disk: pool.disk } : {}),
      ...(pool.providerOptions ? { providerOptions: pool.providerOptions } : {}),
    },
  };
}

function poolNodes(
  cluster: string,
  siteName: string,
  site: SiteConfig,
  role: Role,
  pool: PoolConfig | undefined,
): TopologyNode[] {
  if (!pool) return [];
  // The zone is the site too: Longhorn and topology spread constraints look at the zone by default.
  const labels = {
    ...pool.labels,
    "topology.kubernetes.io/region": siteName,
    "topology.kubernetes.io/zone": siteName,
  };
  return Array.from({ length: pool.count }, (_, index) => ({
    ...machineOf(cluster, siteName, site, role, pool, index + 1),
    labels,
  }));
}

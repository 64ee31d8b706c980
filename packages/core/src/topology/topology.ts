import type { MulticloudConfig, PoolConfig, SiteConfig } from "../config/config.js";
import { jumpsOf } from "../config/validate.js";
import type { PlannedNode } from "../contracts/engine.js";
import type { MachineShape, Role } from "../contracts/provider.js";

/** A node as the configuration wants it. */
export interface TopologyNode extends PlannedNode {
  /** What its provider needs to know. */
  readonly shape: MachineShape;
  readonly pool: PoolConfig;
}

/** One site with its nodes. */
export interface TopologySite {
  readonly name: string;
  readonly config: SiteConfig;
  readonly nodes: readonly TopologyNode[];
}

/**
 * Sites × pools → nodes with deterministic names (`<cluster>-<site>-<role>-<n>`), so that a node cut off
 * while it was made is found again by its name.
 */
export function topology(config: MulticloudConfig): readonly TopologySite[] {
  return Object.entries(config.sites).map(([name, site]) => ({
    name,
    config: site,
    nodes: [
      ...poolNodes(config.name, name, site, "master", site.masters),
      ...poolNodes(config.name, name, site, "worker", site.workers),
    ],
  }));
}

function poolNodes(
  cluster: string,
  siteName: string,
  site: SiteConfig,
  role: Role,
  pool: PoolConfig | undefined,
): TopologyNode[] {
  if (!pool) return [];
  return Array.from({ length: pool.count }, (_, index) => {
    const name = `${cluster}-${siteName}-${role}-${index + 1}`;
    return {
      name,
      site: siteName,
      role,
      // The zone is the site too: Longhorn and topology spread constraints look at the zone by default.
      labels: {
        ...pool.labels,
        "topology.kubernetes.io/region": siteName,
        "topology.kubernetes.io/zone": siteName,
      },
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
  });
}

import type { GatewayStatus } from "../gateway/status.js";
import type { TopologySite } from "../topology/topology.js";
import type { PlanAction } from "./plan.js";

/** What will happen to the gateway of one site. */
export interface GatewayPlan {
  readonly action: "create" | "update" | "remove" | "keep";
  readonly site: string;
  /** Name of the plugin, for example `haproxy`. */
  readonly gateway: string;
  /** Nodes that it is to pass connections to. */
  readonly backends: readonly string[];
}

/** Gateways as they are against the workers that their sites are to have. Pure. */
export function planGateways(
  sites: readonly TopologySite[],
  found: readonly GatewayStatus[],
  actions: readonly PlanAction[],
): readonly GatewayPlan[] {
  return sites.flatMap(({ name: site, config, nodes }): GatewayPlan[] => {
    const gateway = config.gateway?.name;
    if (gateway === undefined) return [];
    const now = found.find((one) => one.site === site);
    const backends = nodes.filter(({ role }) => role === "worker").map(({ name }) => name);
    if (nodes.length === 0)
      return now?.state === "runs" ? [{ action: "remove", site, gateway, backends }] : [];
    if (now?.state === "none") return [{ action: "create", site, gateway, backends }];
    // A machine that is made anew has another address, or nothing on it.
    const moves = actions.some((one) => one.site === site && one.role !== "master" && one.action !== "keep");
    const passed = now?.backends
      ?.map(({ node }) => node)
      .sort()
      .join();
    const differs = passed !== undefined && passed !== [...backends].sort().join();
    return [{ action: moves || differs ? "update" : "keep", site, gateway, backends }];
  });
}

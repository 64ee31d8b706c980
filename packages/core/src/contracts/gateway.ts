import type { CheckResult, SiteContext } from "./context.js";
import type { EngineNode } from "./engine.js";
import type { PluginIdentity } from "./spec-version.js";

/** One node that a gateway passes connections to. */
export interface GatewayBackend {
  /** Node name. */
  readonly node: string;
  /** Whether the gateway's own health check reaches it; `undefined` when it does not tell. */
  readonly healthy?: boolean;
}

/** A gateway as it runs. */
export interface GatewayState {
  /** The workers that 80 and 443 are passed to, sorted by name. */
  readonly backends: readonly GatewayBackend[];
}

/** A reverse proxy in front of a site behind NAT. One object stands in front of one site. */
export interface Gateway extends PluginIdentity {
  /** Options, the machine that it runs on, and that nothing of somebody else's is in the way. Reads only. Paths are relative to `sites.<name>.gateway`. */
  check(context: SiteContext): Promise<CheckResult>;
  /** The gateway that runs for this cluster and site; `undefined` when there is none. Reads only. */
  find?(context: SiteContext): Promise<GatewayState | undefined>;
  /** Makes the proxy pass 80 and 443 to the workers among these nodes, which are all of the site's. Writes nothing when it does. */
  ensure(context: SiteContext, nodes: readonly EngineNode[]): Promise<{ readonly changed: boolean }>;
  /** Address under which the internet reaches it. Reads only. */
  publicAddress(context: SiteContext): Promise<string>;
  /** Removes what `ensure` made, and puts back what was there before. What is gone already is fine. */
  remove(context: SiteContext): Promise<void>;
}

import type { CallContext, CheckResult } from "./context.js";
import type { EngineNode } from "./engine.js";
import type { PluginIdentity } from "./spec-version.js";

/** A reverse proxy in front of a site behind NAT. */
export interface Gateway extends PluginIdentity {
  check(context: CallContext): Promise<CheckResult>;
  /** Makes the proxy pass 80 and 443 to the site's workers. Changes nothing when it does. */
  ensure(context: CallContext, nodes: readonly EngineNode[]): Promise<void>;
  /** Address under which the internet reaches it. Reads only. */
  publicAddress(context: CallContext): Promise<string>;
  /** Removes what `ensure` made. */
  remove(context: CallContext): Promise<void>;
}

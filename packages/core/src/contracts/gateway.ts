import type { CheckResult, SiteContext } from "./context.js";
import type { EngineNode } from "./engine.js";
import type { NodeFragment } from "./fragment.js";
import type { MachineShape } from "./provider.js";
import type { RemoteHost } from "./remote-host.js";
import type { PluginIdentity } from "./spec-version.js";

/** What the site's provider is to make for a gateway. A change of it replaces the machine. */
export interface GatewayMachineSpec
  extends Pick<MachineShape, "size" | "image" | "disk" | "providerOptions"> {
  /** Added to the machine's first boot. */
  readonly boot?: NodeFragment;
}

/** The machine that the site's provider has made for a gateway. Nothing is asked before it is needed. */
export interface GatewayMachine {
  /** `<cluster>-<site>-gateway-1`. */
  readonly name: string;
  /** Its own address in the internet, as its cloud tells it; `undefined` when it has none. */
  publicAddress(): Promise<string | undefined>;
  /** A verified connection, as the user that core logs in as everywhere, with passwordless sudo. Core closes it. */
  connect(): Promise<RemoteHost>;
}

/** A call on behalf of one site's gateway. */
export interface GatewayContext extends SiteContext {
  /** Given when the gateway wants a machine; left out only in `check`, as long as there is none to look at. */
  readonly machine?: GatewayMachine;
}

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
  /**
   * The machine that the site's provider is to make for it. Core makes it with the site's other machines, hands it to
   * the calls below as `context.machine`, replaces it when its spec changes, and deletes it with the gateway, without
   * calling `remove`. Default: the gateway brings a machine of its own.
   */
  readonly machine?: GatewayMachineSpec;
  /** Which machine of its own it runs on, by what stays when its address changes, such as the fingerprint of its host key: tells a gateway that moved from one that stayed. Default: gateways of one site are taken for the same. */
  readonly at?: string;
  /** Options, the machine that it runs on if there is one yet, and that nothing of somebody else's is in the way. Reads only. Paths are relative to `sites.<name>.gateway`. */
  check(context: GatewayContext): Promise<CheckResult>;
  /** The gateway that runs for this cluster and site; `undefined` when there is none. Reads only. */
  find?(context: GatewayContext): Promise<GatewayState | undefined>;
  /** Makes the proxy pass 80 and 443 to the workers among these nodes, which are all of the site's. Writes nothing when it does. */
  ensure(context: GatewayContext, nodes: readonly EngineNode[]): Promise<{ readonly changed: boolean }>;
  /** Address under which the internet reaches it. Reads only. */
  publicAddress(context: GatewayContext): Promise<string>;
  /** Removes what `ensure` made, and puts back what was there before. What is gone already is fine. */
  remove(context: GatewayContext): Promise<void>;
}

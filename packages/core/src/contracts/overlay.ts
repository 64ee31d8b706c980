import type { CallContext, CheckResult } from "./context.js";
import type { NodeFragment } from "./fragment.js";
import type { RemoteHost } from "./remote-host.js";
import type { PluginIdentity } from "./spec-version.js";

/** The network that joins the sites. */
export interface OverlayNetwork {
  readonly id: string;
  /** Name of the interface on every node. */
  readonly interfaceName: string;
  /** Address range of the members, when known: checked against pod and service ranges. */
  readonly cidr?: string;
}

/** A node on the overlay. */
export interface OverlayMember {
  /** Id of the member in the overlay. */
  readonly id: string;
  /** Node name. */
  readonly node: string;
  readonly address?: string;
}

/** What a node has once it is on the overlay. */
export interface OverlayAddress {
  readonly memberId: string;
  readonly address: string;
  readonly interfaceName: string;
}

/** Joins nodes of all sites into one network. */
export interface Overlay extends PluginIdentity {
  /** Credentials and the network's settings. Reads only. */
  check(context: CallContext): Promise<CheckResult>;
  /** The network as it is; `undefined` when it is still to be made. Reads only. */
  find(context: CallContext): Promise<OverlayNetwork | undefined>;
  /** The network, made if the user asked for that. */
  ensure(context: CallContext): Promise<OverlayNetwork>;
  /** What a node needs at first boot to join. Holds no secret. */
  boot(network: OverlayNetwork): NodeFragment;
  /** Lets one node in, waits until it has its address and gives it. Safe to repeat: a member that is in costs no write. */
  admit(
    context: CallContext,
    network: OverlayNetwork,
    node: { readonly name: string; readonly host: RemoteHost },
  ): Promise<OverlayAddress>;
  /**
   * Takes one node's membership off it and restores what joining has changed there, on a machine that outlives the
   * cluster; what packages leave behind is told by `leftovers` of the boot configuration. Called before the machine
   * is given back, while its packages are still installed. Safe to repeat. Default: nothing is done.
   */
  leave?(
    context: CallContext,
    network: OverlayNetwork,
    node: { readonly name: string; readonly host: RemoteHost },
  ): Promise<void>;
  /** Members that this cluster let in: those with our mark. */
  members(context: CallContext): Promise<readonly OverlayMember[]>;
  /** Puts members out. Ones that are gone already are fine. */
  remove(context: CallContext, members: readonly OverlayMember[]): Promise<void>;
  /** Removes the network if this cluster made it. */
  destroy(context: CallContext): Promise<void>;
}

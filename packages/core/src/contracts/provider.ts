import type { CheckResult, SiteContext } from "./context.js";
import type { NodeFragment } from "./fragment.js";
import type { JumpHost } from "./remote-host.js";
import type { PluginIdentity } from "./spec-version.js";

/** What a node is for. A master runs the control plane and etcd, a worker runs the applications. */
export type Role = "master" | "worker";

/** What a machine is for: to be a node of the cluster, or to be a site's gateway, which is none. */
export type MachineRole = Role | "gateway";

/** The disk of a machine that boots from a volume. */
export interface DiskSpec {
  readonly sizeGiB: number;
  /** Volume type of the cloud. Default: the cloud's own default. */
  readonly type?: string;
}

/** The part of a machine that its provider decides on; core passes it through from the user's pool. */
export interface MachineShape {
  /** Deterministic: `<cluster>-<site>-<role>-<n>`. A DNS label. */
  readonly name: string;
  /** Kept with the machine, and given back by `list`. What differs from role to role is nothing but what the user's pool says. */
  readonly role: MachineRole;
  /** Flavor, droplet size: the provider's own name for it. */
  readonly size: string;
  /** Image by the provider's own name, slug or id. */
  readonly image: string;
  /** Boot from a new volume of this size instead of the size's local disk. */
  readonly disk?: DiskSpec;
  /** Settings that only this provider understands; it validates them in `check`. */
  readonly providerOptions?: Readonly<Record<string, unknown>>;
}

/** A machine to make. */
export interface MachineRequest extends MachineShape {
  /** Digest of everything that makes the machine what it is, to be stored with it and given back by `list`. At most 200 characters of `[a-z0-9_-]`. */
  readonly spec: string;
  /** cloud-init user data, within the provider's limit; bytes when core gzipped it. Equal for all machines of one batch. Empty for a `persistent` provider. */
  readonly userData: string | Uint8Array;
  /** The same as data, with the user that core logs in as and without a host key. Given to `persistent` providers, which apply it over SSH with `applyFragment`. */
  readonly boot?: NodeFragment;
  /** What core itself will put on the machine later (engine, addons). Given to `persistent` providers, so that they can note what of it was there before. */
  readonly prepare?: NodeFragment;
}

/** A machine that exists and carries our mark. */
export interface Machine {
  /** The cloud's own id. */
  readonly id: string;
  readonly name: string;
  readonly role: MachineRole;
  /** As given when it was made; empty when the mark is damaged. */
  readonly spec: string;
  readonly status: "creating" | "running" | "stopped" | "failed" | "deleting";
  /** Why it failed, in the cloud's words. */
  readonly fault?: string;
  /** Of a failed one: the cause is known to pass (a timeout or a broken host inside the cloud), so core deletes it and asks again, a bounded number of times. Default false. */
  readonly retryable?: boolean;
  /** Address in the internet, if it has one. */
  readonly publicAddress?: string;
  /** Address inside the site's own network. */
  readonly privateAddress?: string;
  /** Port of its SSH server. Default 22. */
  readonly sshPort?: number;
  /** SSH chain to it, outermost first. Default: the site's. */
  readonly jump?: readonly JumpHost[];
  /** Its host keys, one line each, when they are known for certain: core accepts exactly these. Default: a one-time key in the boot configuration. Needed from a `persistent` provider. */
  readonly hostKeys?: readonly string[];
  /** For showing what a replacement changes; when the cloud tells. */
  readonly size?: string;
  readonly image?: string;
}

/** A port that the site's firewall lets in. */
export interface FirewallRule {
  readonly protocol: "tcp" | "udp";
  readonly port: number;
  /** CIDRs. Default: everywhere, IPv4 and IPv6. */
  readonly sources?: readonly string[];
}

/** What all machines of a site share. */
export interface SharedRequest {
  /** The operator's public key in OpenSSH's one-line form. */
  readonly sshPublicKey: string;
  readonly firewall: readonly FirewallRule[];
}

/** An error of `list` that brings the machines that could be seen along: enough for looking, not for changing. */
export interface IncompleteListError extends Error {
  readonly machines: readonly Machine[];
}

/** What `check` looked at and found. */
export interface ProviderCheck extends CheckResult {
  /** Price of `machines` per month in US dollars, when the cloud tells. */
  readonly monthlyPriceUsd?: number;
}

/** What `check` has to judge. */
export interface SiteRequest {
  /** Every machine that the site is to have. */
  readonly machines: readonly MachineShape[];
  /** Names of those that do not exist yet: they are what a quota must have room for. */
  readonly toCreate: readonly string[];
  /** Rules that `ensureShared` will be given, for their quota. Default: not known. */
  readonly firewall?: readonly FirewallRule[];
}

/**
 * Makes and removes the machines of one site. All calls are idempotent, find our resources by mark (cluster
 * and site) and never touch anything without it. One object serves one site at a time or several at once.
 */
export interface Provider extends PluginIdentity {
  /** How much user data a machine takes, and whether gzip is understood. */
  readonly userData: { readonly maxBytes: number; readonly gzip: boolean };
  /** How many machines one `create` call may make. Default 1. */
  readonly createBatch?: number;
  /**
   * The machines outlive the cluster: `create` claims one and applies `boot` itself, `delete` gives it back. Core
   * then makes no one-time host key, waits for no cloud-init, calls `create` again for a machine that is still
   * `creating` (nobody else finishes it), and has the engine's `reset` run before the last `delete`. Default false.
   */
  readonly persistent?: boolean;
  /** Credentials, names, quota, availability. Reads only. Paths of problems are relative to the site: `provider`, or `<role>s.<field>` such as `workers.image` (core makes `gateway.machine.image` of `gateways.image`). */
  check(context: SiteContext, request: SiteRequest): Promise<ProviderCheck>;
  /**
   * Every machine with our mark, however many pages that takes. One call a tick serves all waiting machines. Rejects
   * when one may be missing from the answer; the error may then be an {@link IncompleteListError}.
   */
  list(context: SiteContext): Promise<readonly Machine[]>;
  /** The SSH key, the firewall and whatever else the machines share: made when missing, corrected when ours and different, untouched when right. What killed runs left of machines that are not there may go here too. */
  ensureShared(context: SiteContext, request: SharedRequest): Promise<void>;
  /** Starts making machines; returns once the cloud has accepted, not when they run. A machine of that name with our mark is not made again. */
  create(context: SiteContext, requests: readonly MachineRequest[]): Promise<void>;
  /** Deletes machines with all that came with them (volumes, ports). One that is gone already is fine. Returns once the cloud has accepted. */
  delete(context: SiteContext, machines: readonly Machine[]): Promise<void>;
  /** Removes what `ensureShared` made, when no machine of the site is left. */
  deleteShared(context: SiteContext): Promise<void>;
  /**
   * Takes machines off the wire at once, as a power cut does, without asking their operating systems (`on: false`),
   * or gives them back (`on: true`); resolves when that is done. `list` says `stopped` meanwhile. Machines that are
   * as wanted are left alone. For drills; a provider that has no such call leaves it out.
   */
  power?(context: SiteContext, machines: readonly Machine[], on: boolean): Promise<void>;
}

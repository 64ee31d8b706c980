import type { Dialer, MachineRole, MachineShape, Provider, SiteContext } from "@multicloud/core/plugin";

/** One thing that exists in the cloud, seen without the provider. */
export interface CloudThing {
  /** `machine` for machines; for all else a word of your own (`firewall`, `key`, `volume`). */
  readonly kind: string;
  readonly name: string;
  /** Anything that changes when the thing is changed, for example its body as JSON. Default: nothing is compared but the name. */
  readonly state?: string;
}

/** What a case needs of the cloud besides the provider; see {@link ProviderHarness}. */
export type Ability =
  | "requests"
  | "peakRequests"
  | "onWrite"
  | "cutCreate"
  | "refuse"
  | "makeForeign"
  | "firewall"
  | "wrongShape";

/**
 * A fresh, empty cloud for one case, and the provider that talks to it. The author of a provider writes it
 * once; an emulator, a mock server or a real account can be behind it.
 *
 * The optional members are abilities: for each one that is missing, `cannot` of the suite has to say why.
 */
export interface ProviderHarness {
  /** A new provider object over the same cloud, as a new process would make it: nothing remembered. */
  provider(): Provider;
  /** How the provider's connections are opened. Default: one that refuses, for providers that use HTTP. */
  readonly dialer?: Dialer;
  /** Size and image that the cloud has; `role` is for clouds in which they depend on it. */
  shape(role: MachineRole): Pick<MachineShape, "size" | "image" | "disk" | "providerOptions">;
  /** Everything that exists in the account, ours or not, seen without the provider. Machines that are being deleted may be left out. */
  things(): readonly CloudThing[] | Promise<readonly CloudThing[]>;
  /** Changes asked for so far: mutating requests, or changes that took effect. Logging in is none. */
  writes(): number;
  /** Texts that must never be seen in a report or an error: tokens, passwords, private keys. */
  readonly secrets: readonly string[];
  close(): Promise<void>;

  /** Requests of any kind so far, and how many machines one page of a list holds. */
  readonly requests?: { count(): number; readonly pageSize: number };
  /** Most requests (or connections) that were open at the same time since the last call of it. */
  peakRequests?(): number;
  /** Calls back after each change took effect and before the provider hears of it. Returns a function that stops it. */
  onWrite?(listener: () => void): () => void;
  /** Cuts the connection of the next request that makes a machine: before it takes effect, or after that but before its answer. */
  cutCreate?(when: "before" | "after"): void;
  /** Lets the service refuse every request from now on (for example 403), naming a secret in its answer if it can. */
  refuse?(): void;
  /**
   * What somebody else has in the same account: a machine of this name without our mark, and things with the
   * names that the provider would give to its shared ones.
   */
  makeForeign?(machine: string, site: Pick<SiteContext, "cluster" | "site">): void | Promise<void>;
  /** The provider keeps a firewall: a changed rule is a write. Give `true`. */
  readonly firewall?: true;
  /** A shape that the cloud does not have, and the path of the problem that `check` reports for a worker. */
  readonly wrongShape?: {
    readonly shape: Partial<Pick<MachineShape, "size" | "image" | "disk" | "providerOptions">>;
    readonly path: string;
  };
}

/** A provider to be judged. */
export interface ProviderSuite {
  /** Name of the provider, for the titles. */
  readonly name: string;
  /** Makes a fresh, empty cloud. Called once per case. */
  create(): Promise<ProviderHarness>;
  /** Abilities that this cloud or its harness lacks, each with the reason: the cases that need them are skipped under that name. */
  readonly cannot?: Partial<Record<Ability, string>>;
  /** Most requests that may be open at the same time, however many machines are asked for. Default 32. */
  readonly maxConcurrency?: number;
  /** How many machines a case may ask for at most; some clouds are small. Default 12. */
  readonly machines?: number;
}

import type { Dialer, Overlay, OverlayNetwork, RemoteHost } from "@multicloud/core/plugin";
import type { WrongOptions } from "../engine/harness.js";
import type { CloudThing } from "../harness.js";

/** What a case needs besides the overlay and its machines; see {@link OverlayHarness}. */
export type OverlayAbility =
  | "onWrite"
  | "cutWrite"
  | "tooMany"
  | "refuse"
  | "letInByHand"
  | "shutOut"
  | "sharedNetwork"
  | "wrongOptions";

/** A node as an overlay sees it. */
export interface OverlayNode {
  readonly name: string;
  readonly host: RemoteHost;
}

/**
 * A fresh service without members for one case, machines that can join, and the overlay that is judged. The
 * author of an overlay writes it once.
 *
 * The optional members are abilities: for each one that is missing, `cannot` of the suite has to say why.
 */
export interface OverlayHarness {
  /** A new overlay object, as a new process would make it: nothing remembered. Clusters are told apart by the context alone. */
  overlay(): Overlay;
  /** Starts a new machine without anything of the overlay on it. The suite applies the overlay's boot fragment. */
  boot(name: string): Promise<void>;
  /** Ends a machine for good. Its name may be used again, by another machine. */
  discard(name: string): Promise<void>;
  /** A new connection to a machine. The suite closes it. */
  connect(name: string): Promise<RemoteHost>;
  /** How connections are opened. Default: one that refuses, for overlays that use HTTP. */
  readonly dialer?: Dialer;
  /** All networks (`network`) and members (`member`) that somebody made, let in or named, whoever's they are, seen without the overlay. Nodes that only ask to be let in are none. */
  things(): readonly CloudThing[] | Promise<readonly CloudThing[]>;
  /** Changes asked of the service so far. */
  writes(): number;
  /** Texts that must never be seen in a report, an error, a command line on a node, or a boot fragment: API tokens. */
  readonly secrets: readonly string[];
  close(): Promise<void>;

  /** Calls back after each change at the service took effect and before the overlay hears of it. Returns a function that stops it. */
  onWrite?(listener: () => void): () => void;
  /** Cuts the connection of the next request that changes something: before it takes effect, or after that but before its answer. */
  cutWrite?(when: "before" | "after"): void;
  /** The service answers the next requests that there are too many (for example 429 with `Retry-After`). */
  tooMany?(requests: number): void;
  /** Lets the service refuse every request from now on (for example 403), naming a secret in its answer if it can. */
  refuse?(): void;
  /** Somebody lets a machine in by hand: a member without our mark. */
  letInByHand?(network: OverlayNetwork, node: OverlayNode): Promise<void>;
  /** Somebody takes a member's admission back. */
  shutOut?(network: OverlayNetwork, memberId: string): Promise<void>;
  /** All clusters use one network. Give `true`. */
  readonly sharedNetwork?: true;
  /** Options that have to be found fault with. */
  wrongOptions?(): readonly WrongOptions<Overlay>[];
}

/** An overlay to be judged. */
export interface OverlaySuite {
  /** Name of the overlay, for the titles. */
  readonly name: string;
  /** Makes a fresh service without members. Called once per case. */
  create(): Promise<OverlayHarness>;
  /** Abilities that this service or its harness lacks, each with the reason: the cases that need them are skipped under that name. */
  readonly cannot?: Partial<Record<OverlayAbility, string>>;
}

import type { Dialer, DnsEntrypoint, SendRequest } from "@multicloud/core/plugin";
import type { CloudThing } from "../harness.js";

/** What a case needs besides the plugin and its zone; see {@link EntrypointHarness}. */
export type EntrypointAbility =
  | "onWrite"
  | "cutWrite"
  | "outage"
  | "makeForeign"
  | "wrongCredentials"
  | "wildcard"
  | "together"
  | "inCluster";

/**
 * A fresh zone for one case, and the DNS plugin that is judged. The author of a plugin writes it once; an
 * emulator, a name server or a real zone can be behind it.
 *
 * The optional members are abilities: for each one that is missing, `cannot` of the suite has to say why.
 */
export interface EntrypointHarness {
  /**
   * A new plugin object for a record, as a new process would make it: nothing remembered. The record is given
   * relative to the zone (`www`, `*.apps`). Clusters are told apart by the context alone. Its `inCluster` is the
   * ability of that name: the plugin has a half for the cluster.
   */
  entrypoint(record: string): DnsEntrypoint;
  /** How connections are opened. Default: one that refuses, for plugins that use HTTP. */
  readonly dialer?: Dialer;
  /** How the half in the cluster sends HTTP. Default: over Node's own `http` and `https`. */
  readonly send?: SendRequest;
  /** Addresses of both families that whoever asks for a complete name is given at this moment: no cache stands between. */
  lookUp(name: string): readonly string[] | Promise<readonly string[]>;
  /** All records of the zone, marks too, whoever's they are, seen without the plugin. Leave ids, times and serial numbers out. */
  things(): readonly CloudThing[] | Promise<readonly CloudThing[]>;
  /** Changes so far: mutating requests, or changes that took effect. */
  writes(): number | Promise<number>;
  /** Texts that must never be seen in a report, an error, a problem or what travels into the cluster openly: API tokens, keys. Those of `wrongCredentials` too. */
  readonly secrets: readonly string[];
  close(): Promise<void>;

  /**
   * Calls back after each change took effect and before the plugin hears of it; what made the change goes on once
   * the promise is fulfilled. Returns a function that stops it.
   */
  onWrite?(listener: () => void | Promise<void>): () => void;
  /** Cuts the connection of the next request that changes something: before it takes effect, or after that but before its answer. */
  cutWrite?(when: "before" | "after"): void;
  /** Nobody at the service answers the plugin from now on. Returns a function that sets it right. */
  outage?(): () => void;
  /** Somebody adds an IPv4 address to a complete name, without our mark. */
  makeForeign?(name: string, address: string): void | Promise<void>;
  /** As `entrypoint`, with credentials that the service refuses. */
  wrongCredentials?(record: string): DnsEntrypoint;
  /** The service has wildcard records. Give `true`. */
  readonly wildcard?: true;
  /** The service can change the IPv4 and the IPv6 addresses of a name at the same moment. Give `true`. */
  readonly together?: true;
}

/** A DNS plugin to be judged. */
export interface EntrypointSuite {
  /** Name of the plugin, for the titles. */
  readonly name: string;
  /** Makes a fresh zone. Called once per case. */
  create(): Promise<EntrypointHarness>;
  /** Abilities that this service or its harness lacks, each with the reason: the cases that need them are skipped under that name. */
  readonly cannot?: Partial<Record<EntrypointAbility, string>>;
}

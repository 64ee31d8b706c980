import type {
  ClusterEngine,
  Dialer,
  EngineNode,
  KubernetesConnect,
  Role,
  StateStore,
} from "@multicloud/core/plugin";
import type { CloudThing } from "../harness.js";

/** What a case needs besides the engine and its machines; see {@link EngineHarness}. */
export type EngineAbility =
  | "onWrite"
  | "unreachable"
  | "impostor"
  | "unfit"
  | "files"
  | "wrongOptions"
  | "commands";

/** A file with its permission bits; see {@link EngineHarness.files}. */
export interface SeenFile {
  /** Where it is, for the message. */
  readonly path: string;
  readonly mode: number;
  readonly content: string;
}

/** Options that an engine or an overlay has to find fault with. */
export interface WrongOptions<Plugin> {
  readonly plugin: Plugin;
  /** Path of the problem that `check` reports. */
  readonly path: string;
  /** What the problem has to show besides: what was given, the nearest allowed value, that allowed values are listed. */
  readonly given?: string;
  readonly suggestion?: string;
  readonly allowed?: true;
}

/**
 * A fresh place with no machine in it for one case, and the engine that is judged. The author of an engine
 * writes it once; emulated machines or real ones can be behind it.
 *
 * The optional members are abilities: for each one that is missing, `cannot` of the suite has to say why.
 */
export interface EngineHarness {
  /** A new engine object, as a new process would make it: nothing remembered. */
  engine(): ClusterEngine;
  /**
   * Starts a new machine: reachable over SSH and on the overlay, with nothing of the engine on it. A name is
   * used again after `discard`; the machine is then another one, with the address of the former.
   */
  boot(name: string, role: Role): Promise<void>;
  /** Ends a machine for good, as a cloud deletes it. */
  discard(name: string): Promise<void>;
  /** A new connection to a machine, as a new process opens it. The suite closes it. */
  connect(name: string): Promise<EngineNode>;
  /** The operator's state, the same at each call. */
  state(): StateStore;
  /** Deletes all of that state, as when the operator's machine is lost. */
  loseState(): Promise<void>;
  readonly privateKeyFile: string;
  readonly knownHostsFile: string;
  /** How connections are opened. */
  readonly dialer: Dialer;
  /** Opens a client of the cluster's API. */
  readonly kubernetes: KubernetesConnect;
  /** Changes on the machines so far. */
  writes(): number;
  /**
   * What there is on the machines that an engine could leave: containers, services, files, but not installed
   * packages, caches and logs. One name for the same thing in every run; `state` is not compared.
   */
  things(): readonly CloudThing[] | Promise<readonly CloudThing[]>;
  /** Texts that must never be seen in a report, an error or a command line, as far as they exist by now: join tokens, private keys of the cluster and of the operator. Keys in PEM may be given whole. */
  secrets(): readonly string[] | Promise<readonly string[]>;
  close(): Promise<void>;

  /**
   * Calls back after each change on a machine took effect and before the engine hears of it, with a name that the
   * same change has in every run; what made the change goes on once the promise is fulfilled. Returns a function
   * that stops it.
   */
  onWrite?(listener: (what: string) => Promise<void>): () => void;
  /** No packet gets to a machine from now on. Returns a function that sets it right. */
  unreachable?(name: string): () => void;
  /** From now on a machine's SSH presents a host key that is not its own; connections that are open go on. Returns a function that sets it right. */
  impostor?(name: string): () => void;
  /**
   * Makes a machine unfit so that it can be reached and the program that the engine drives goes on without it,
   * or that its part fails. Returns a function that sets it right.
   */
  unfit?(name: string): Promise<() => Promise<void>>;
  /** Every file on the machines, and those of the operator's state. */
  files?(): readonly SeenFile[] | Promise<readonly SeenFile[]>;
  /** Options that have to be refused before anything is done. */
  wrongOptions?(): readonly WrongOptions<ClusterEngine>[];
  /** Command lines and environments of the programs that were started on the operator's machine. Those on the nodes the suite sees itself. */
  commands?(): readonly string[] | Promise<readonly string[]>;
}

/** An engine to be judged. */
export interface EngineSuite {
  /** Name of the engine, for the titles. */
  readonly name: string;
  /** Makes a fresh place without machines. Called once per case. */
  create(): Promise<EngineHarness>;
  /** Abilities that this place lacks, each with the reason: the cases that need them are skipped under that name. */
  readonly cannot?: Partial<Record<EngineAbility, string>>;
  /** Kills the process only after each n-th of the changes of `up`, for engines that take long. Default 1: after every one. */
  readonly killEvery?: number;
}

import type { CallContext, CheckResult } from "./context.js";
import type { ClusterFacts, PlannedNode } from "./engine.js";
import type { NodeFragment } from "./fragment.js";
import type { KubernetesApi } from "./kubernetes.js";
import type { PluginIdentity } from "./spec-version.js";
import type { StateStore } from "./state-store.js";

/** What an addon may use. */
export interface AddonContext extends CallContext {
  readonly kubernetes: KubernetesApi;
  readonly nodes: readonly PlannedNode[];
  readonly state: StateStore;
  /** By site, addresses by which the internet enters it that are no node's own: its gateway's, or its router's. As `up()` saw them last. */
  readonly entries?: Readonly<Record<string, readonly string[]>>;
}

/** Something that runs in the cluster: its objects, and the condition that says they work. */
export interface Addon extends PluginIdentity {
  /** Names of addons that must be ready first, when the cluster has them. Others run side by side. */
  readonly after?: readonly string[];
  /** It keeps the entrypoint's record from inside the cluster, so that nobody outside has to. Default false. */
  readonly keepsEntrypoint?: boolean;
  /** Options, and whether it fits the nodes and the cluster. Reads only. Paths are relative to the addon. */
  check?(context: CallContext, nodes: readonly PlannedNode[], cluster: ClusterFacts): Promise<CheckResult>;
  /** What nodes need for it; applied over SSH with the engine's. */
  prepare?(node: PlannedNode): NodeFragment;
  /** Applies the objects and waits until they work. Changes nothing when all is as wanted. */
  apply(context: AddonContext): Promise<void>;
  /** Removes what `apply` made, inside the cluster and outside. What is gone already is fine. An addon that holds the users' data leaves this out. */
  remove?(context: AddonContext): Promise<void>;
}

import type { CallContext, CheckResult } from "./context.js";
import type { NodeFragment } from "./fragment.js";
import type { KubernetesConnect } from "./kubernetes.js";
import type { Role } from "./provider.js";
import type { JumpHost, RemoteHost } from "./remote-host.js";
import type { PluginIdentity } from "./spec-version.js";
import type { StateStore } from "./state-store.js";

/** A node as far as it is known before it exists. */
export interface PlannedNode {
  readonly name: string;
  readonly site: string;
  readonly role: Role;
  readonly labels: Readonly<Record<string, string>>;
  /** SSH chain from the operator to the node, outermost first; empty when it is reached directly. */
  readonly jump: readonly JumpHost[];
}

/** A node that is reachable, prepared and on the overlay. */
export interface EngineNode extends PlannedNode {
  /** Address that SSH is dialled at, through `jump` if there is one. */
  readonly address: string;
  readonly port: number;
  readonly user: string;
  readonly publicAddress?: string;
  /** Address inside the site's own network: where its neighbours reach it. */
  readonly privateAddress?: string;
  readonly overlayAddress: string;
  readonly overlayInterface: string;
  /** An open, verified connection. */
  readonly host: RemoteHost;
  /** Dials the node's SSH port afresh, as a tool of the engine would; rejects when it cannot be reached. */
  probe(signal: AbortSignal): Promise<void>;
}

/** What an engine may use besides the nodes. */
export interface EngineContext extends CallContext {
  readonly state: StateStore;
  /** The operator's private key file, for tools that make their own SSH connections. */
  readonly privateKeyFile: string;
  /** `known_hosts` file with the verified keys of all nodes, for the same tools. */
  readonly knownHostsFile: string;
  /** DNS name that leads to all masters of the cluster: it has to stand in the API's certificate, and the kubeconfig names it when a master has a public address. */
  readonly apiName?: string;
  /** Opens a client for the cluster's API. */
  readonly kubernetes: KubernetesConnect;
  /** Given to `up`: connects to the machines that are deleted after it, those of them that answer. What runs on a machine that leaves the cluster may have to be stopped there. Default: none leave. */
  leaving?(): Promise<readonly EngineNode[]>;
}

/** A cluster that an engine has made or found right. */
export interface EngineResult {
  /** kubeconfig document (YAML) with full rights. */
  readonly kubeconfig: string;
  /** False when everything was as wanted and nothing was run. */
  readonly changed: boolean;
}

/** A node of the configuration that does not exist or does not answer. */
export interface AbsentNode {
  readonly name: string;
  readonly site: string;
  readonly role: Role;
  /** For people, without a final stop. */
  readonly reason: string;
}

/** The nodes of the configuration when an operation begins. */
export interface OperationNodes {
  readonly present: readonly EngineNode[];
  readonly absent: readonly AbsentNode[];
}

/** What an operation has done. */
export interface OperationResult<T> {
  /** Given to the caller. */
  readonly value: T;
  /** The new kubeconfig, when the operation has made the old one useless. */
  readonly kubeconfig?: string;
}

/**
 * Something that an engine does with a cluster besides `up`: a snapshot, a restore, new certificates. Engines
 * offer functions that make operations, typed by their own options; the user hands one to
 * `multicloud(…).operate()`, which brings lock, state, nodes and events. Safe to repeat, like every verb.
 */
export interface EngineOperation<T> {
  /** For people and events, for example `etcd snapshot-save`. */
  readonly name: string;
  /** The object that made it; refused unless it is the configuration's own, whose options it runs with. */
  readonly engine: ClusterEngine;
  run(context: EngineContext, nodes: OperationNodes): Promise<OperationResult<T>>;
}

/** What a cluster has by itself. A fact that is absent is not known. */
export interface ClusterFacts {
  /** Version of Kubernetes, for example `1.35.7`. */
  readonly kubernetes?: string;
  /** Ingress controllers that come with the cluster and take ports 80 and 443 of its nodes, for example `nginx`. */
  readonly ingress?: readonly string[];
}

/** Turns prepared nodes into one Kubernetes cluster. */
export interface ClusterEngine extends PluginIdentity {
  /** Address ranges inside the cluster, checked against the sites' and the overlay's. */
  readonly cidrs: { readonly pods: string; readonly services: string };
  /** What its clusters have, as far as the options say. Addons check themselves against it before the first effect. */
  readonly facts?: ClusterFacts;
  /** Options, tools on the operator's machine, and whether these nodes can form a cluster. Reads only. Paths are relative to `engine`. */
  check(context: EngineContext, nodes: readonly PlannedNode[]): Promise<CheckResult>;
  /** What a node needs at first boot; a change of it replaces machines, so keep it small. */
  boot?(node: PlannedNode): NodeFragment;
  /** What must be true on a node before `up`; applied over SSH, and again whenever it changes. */
  prepare(node: PlannedNode, user: string): NodeFragment;
  /** Makes the cluster have exactly these nodes. Nodes that left are removed from it. Runs nothing when all is as wanted. */
  up(context: EngineContext, nodes: readonly EngineNode[]): Promise<EngineResult>;
  /** Removes the cluster from machines that outlive it, before they are given back. `nodes` has a master whenever one can be reached. Not called for machines that are about to be deleted. */
  reset(context: EngineContext, nodes: readonly EngineNode[]): Promise<void>;
}

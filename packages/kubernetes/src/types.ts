import type { Duplex } from "node:stream";

// The shapes below are those of the contract in @multicloud/core, copied so that this package stands alone:
// core depends on it, not the other way round. TypeScript compares structures, so the two always fit or fail to compile.

/** Where to connect to: a host name or an IP address, and a TCP port. */
export interface DialTarget {
  readonly host: string;
  readonly port: number;
}

/** Bounds of one connection attempt. */
export interface DialOptions {
  readonly signal?: AbortSignal;
  /** Give up after this many milliseconds. */
  readonly timeoutMs?: number;
}

/** Opens a byte stream to an address: directly, through a jump host, a proxy, or in the sandbox. TLS runs inside it. */
export type Dialer = (target: DialTarget, options?: DialOptions) => Promise<Duplex>;

/** Any Kubernetes object. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly resourceVersion?: string;
    readonly [field: string]: unknown;
  };
  readonly [field: string]: unknown;
}

/** Names one object. */
export interface ObjectReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
}

/** Names all objects of one kind. */
export interface KindSelector {
  readonly apiVersion: string;
  readonly kind: string;
  /** Default: all namespaces. */
  readonly namespace?: string;
  readonly labelSelector?: string;
}

/** A node as `kubectl get nodes -o wide` shows it. */
export interface KubernetesNode {
  readonly name: string;
  readonly ready: boolean;
  /** From the labels `node-role.kubernetes.io/<role>`, sorted. */
  readonly roles: readonly string[];
  readonly internalAddress?: string;
  readonly externalAddress?: string;
  /** Version of the kubelet, for example `v1.32.13`. */
  readonly version: string;
  readonly schedulable: boolean;
  readonly labels: Readonly<Record<string, string>>;
}

/** Options of one API operation. */
export interface KubernetesCallOptions {
  /** Ends the call; it rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Options of waiting. */
export interface WaitOptions extends KubernetesCallOptions {
  /** Default 5 minutes. */
  readonly timeoutMs?: number;
  /** Called when what is being waited for changes, with a sentence such as `1 of 3 replicas available`. */
  onProgress?(message: string): void;
}

/** Options of an apply. */
export interface ApplyOptions extends KubernetesCallOptions {
  /** Take fields over that another manager set to something else. Default false: that is an error naming the manager. */
  readonly force?: boolean;
}

/** What an apply did to one object. */
export interface ApplyResult {
  readonly reference: ObjectReference;
  /** True when the server stored something different from what it had. */
  readonly changed: boolean;
}

/** The cluster's API, as far as addons and core need it. All methods reject with {@link KubernetesError}. */
export interface KubernetesApi {
  /** Server-side apply, in the given order but for CRDs and namespaces, which come first and are waited for. Field conflicts with other managers reject unless `force`. */
  apply(objects: readonly KubernetesObject[], options?: ApplyOptions): Promise<readonly ApplyResult[]>;
  /** `undefined` when it does not exist. */
  get(reference: ObjectReference, options?: KubernetesCallOptions): Promise<KubernetesObject | undefined>;
  /** All of them, however many pages that takes. */
  list(kind: KindSelector, options?: KubernetesCallOptions): Promise<readonly KubernetesObject[]>;
  /** One that does not exist is fine. What it owns is deleted in the background. */
  delete(reference: ObjectReference, options?: KubernetesCallOptions): Promise<void>;
  /** Waits until the object reports that it works: rolled-out Deployments, DaemonSets and StatefulSets, established CRDs, complete Jobs, `Ready` or `Available` conditions of anything else. */
  waitReady(reference: ObjectReference, options?: WaitOptions): Promise<void>;
  nodes(options?: KubernetesCallOptions): Promise<readonly KubernetesNode[]>;
  /** Waits until all named nodes are Ready. */
  waitNodesReady(names: readonly string[], options?: WaitOptions): Promise<readonly KubernetesNode[]>;
  /** Cordons a node and evicts its pods, honouring PodDisruptionBudgets. A node that does not exist is fine. */
  drain(node: string, options?: WaitOptions): Promise<void>;
  /** Closes the connections and ends what is still under way. */
  close(): Promise<void>;
}

/** Settings of one connection. */
export interface ConnectOptions {
  /** How TCP connections are opened. Default: directly. */
  readonly dialer?: Dialer;
  /** Context of the kubeconfig. Default: its `current-context`. */
  readonly context?: string;
  /** Bound of one HTTP request in milliseconds, connecting included. Default 30,000. */
  readonly timeoutMs?: number;
  /** Tries of one request including the first, for connection errors, 429 and 5xx. Default 5. */
  readonly attempts?: number;
  /** Base of the exponential, jittered backoff between tries in milliseconds. Default 250. */
  readonly backoffMs?: number;
  /** Time between two looks while waiting where no watch tells of changes, in milliseconds. Default 1,000. */
  readonly pollIntervalMs?: number;
  /** Owner of the fields we apply. Default `multicloud`. */
  readonly fieldManager?: string;
  /** Told of each finished request, for counting. `path` has no query. */
  onRequest?(request: {
    readonly method: string;
    readonly path: string;
    readonly status: number;
    readonly durationMs: number;
  }): void;
}

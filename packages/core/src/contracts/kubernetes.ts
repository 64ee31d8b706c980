import type { Dialer } from "./dialer.js";

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

/** A node as `kubectl get nodes -o wide` shows it. */
export interface KubernetesNode {
  readonly name: string;
  readonly ready: boolean;
  readonly roles: readonly string[];
  readonly internalAddress?: string;
  readonly externalAddress?: string;
  readonly version: string;
  readonly schedulable: boolean;
  readonly labels: Readonly<Record<string, string>>;
}

/** Options of one API operation. */
export interface KubernetesCallOptions {
  readonly signal?: AbortSignal;
}

/** Options of waiting. */
export interface WaitOptions extends KubernetesCallOptions {
  /** Default 5 minutes. */
  readonly timeoutMs?: number;
  /** Called when what is being waited for changes, with a sentence such as `1 of 3 replicas available`. */
  onProgress?(message: string): void;
}

/** What an apply did to one object. */
export interface ApplyResult {
  readonly reference: ObjectReference;
  /** True when the server stored something different from what it had. */
  readonly changed: boolean;
}

/** The cluster's API, as far as addons and core need it. */
export interface KubernetesApi {
  /** Server-side apply, in the given order but for CRDs and namespaces, which come first and are waited for. Field conflicts with other managers reject unless `force`. */
  apply(
    objects: readonly KubernetesObject[],
    options?: KubernetesCallOptions & { readonly force?: boolean },
  ): Promise<readonly ApplyResult[]>;
  /** `undefined` when it does not exist. */
  get(reference: ObjectReference, options?: KubernetesCallOptions): Promise<KubernetesObject | undefined>;
  list(
    kind: {
      readonly apiVersion: string;
      readonly kind: string;
      readonly namespace?: string;
      readonly labelSelector?: string;
    },
    options?: KubernetesCallOptions,
  ): Promise<readonly KubernetesObject[]>;
  /** One that does not exist is fine. */
  delete(reference: ObjectReference, options?: KubernetesCallOptions): Promise<void>;
  /** Waits until the object reports that it works: rolled-out Deployments, DaemonSets and StatefulSets, established CRDs, complete Jobs, `Ready` or `Available` conditions of anything else. */
  waitReady(reference: ObjectReference, options?: WaitOptions): Promise<void>;
  nodes(options?: KubernetesCallOptions): Promise<readonly KubernetesNode[]>;
  /** Waits until all named nodes are Ready. */
  waitNodesReady(names: readonly string[], options?: WaitOptions): Promise<readonly KubernetesNode[]>;
  /** Cordons a node and evicts its pods, honouring PodDisruptionBudgets. A node that does not exist is fine. */
  drain(node: string, options?: WaitOptions): Promise<void>;
  close(): Promise<void>;
}

/** Opens a client from a kubeconfig document. */
export type KubernetesConnect = (
  kubeconfig: string,
  options?: { readonly dialer?: Dialer },
) => Promise<KubernetesApi>;

/**
 * Server-side apply, waiting, nodes and kubeconfig files.
 *
 * @module
 */
export { connect } from "./connect.js";
export { type MergeKubeconfigOptions, mergeKubeconfig, setServer } from "./kubeconfig/merge.js";
export {
  type Kubeconfig,
  type KubeconfigCluster,
  type KubeconfigContext,
  type KubeconfigUser,
  parseKubeconfig,
} from "./kubeconfig/parse.js";
export {
  KubernetesError,
  type KubernetesErrorCause,
  type KubernetesErrorCode,
  type KubernetesErrorDetails,
} from "./kubernetes-error.js";
export type {
  ApplyOptions,
  ApplyResult,
  ConnectOptions,
  Dialer,
  DialOptions,
  DialTarget,
  KindSelector,
  KubernetesApi,
  KubernetesCallOptions,
  KubernetesNode,
  KubernetesObject,
  ObjectReference,
  WaitOptions,
} from "./types.js";

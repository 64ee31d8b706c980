/**
 * The ConfigMap `kube-system/full-cluster-state` of every cluster, by the CA of the cluster: where RKE
 * keeps a second copy of its state.
 */
export interface ClusterStates {
  get(caPem: string): string | undefined;
  set(caPem: string, state: string): void;
}

export function createClusterStates(): ClusterStates {
  const states = new Map<string, string>();
  return {
    get: (caPem) => states.get(caPem.trim()),
    set: (caPem, state) => void states.set(caPem.trim(), state),
  };
}

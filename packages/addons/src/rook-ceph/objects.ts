import type { KubernetesObject } from "@multicloud/core/plugin";
import type { RookCephOptions } from "./rook-ceph.js";

export const namespace = "rook-ceph";
const pool = "replicated";

/** How a Ceph cluster is laid out over the nodes. */
export interface Layout {
  readonly monitors: number;
  readonly managers: number;
  /** Copies of each block. */
  readonly copies: number;
  /** What two copies must not share. A node's zone is its site. */
  readonly failureDomain: "host" | "zone";
}

/** One Ceph cluster on the operator's defaults, a pool, and a StorageClass for it. */
export function cephObjects(options: RookCephOptions, layout: Layout): readonly KubernetesObject[] {
  return [
    {
      apiVersion: "ceph.rook.io/v1",
      kind: "CephCluster",
      metadata: { name: "rook-ceph", namespace },
      spec: {
        cephVersion: { image: options.image ?? "quay.io/ceph/ceph:v20.2.4" },
        dataDirHostPath: "/var/lib/rook",
        mon: { count: layout.monitors, allowMultiplePerNode: false },
        mgr: { count: layout.managers, allowMultiplePerNode: false },
        dashboard: { enabled: true, ssl: true },
        ...(options.site === undefined ? {} : { placement: { all: inSite(options.site) } }),
        storage: {
          useAllNodes: true,
          ...(options.deviceFilter === undefined
            ? { useAllDevices: true }
            : { useAllDevices: false, deviceFilter: options.deviceFilter }),
        },
      },
    },
    {
      apiVersion: "ceph.rook.io/v1",
      kind: "CephBlockPool",
      metadata: { name: pool, namespace },
      spec: {
        failureDomain: layout.failureDomain,
        // One copy is no redundancy; Ceph wants to be told that this is meant.
        replicated: { size: layout.copies, requireSafeReplicaSize: layout.copies > 1 },
      },
    },
    {
      apiVersion: "storage.k8s.io/v1",
      kind: "StorageClass",
      metadata: {
        name: "ceph-block",
        annotations: {
          "storageclass.kubernetes.io/is-default-class": String(options.defaultClass !== false),
        },
      },
      provisioner: `${namespace}.rbd.csi.ceph.com`,
      allowVolumeExpansion: true,
      reclaimPolicy: "Delete",
      parameters: {
        clusterID: namespace,
        pool,
        imageFormat: "2",
        imageFeatures: "layering",
        "csi.storage.k8s.io/fstype": "ext4",
        ...secret("provisioner", "rook-csi-rbd-provisioner"),
        ...secret("controller-expand", "rook-csi-rbd-provisioner"),
        ...secret("controller-publish", "rook-csi-rbd-provisioner"),
        ...secret("node-stage", "rook-csi-rbd-node"),
      },
    },
  ];
}

function inSite(site: string): object {
  const expression = { key: "topology.kubernetes.io/zone", operator: "In", values: [site] };
  return {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [expression] }],
      },
    },
  };
}

/** Secrets that Rook makes for the CSI driver's steps. */
function secret(step: string, name: string): Record<string, string> {
  return {
    [`csi.storage.k8s.io/${step}-secret-name`]: name,
    [`csi.storage.k8s.io/${step}-secret-namespace`]: namespace,
  };
}

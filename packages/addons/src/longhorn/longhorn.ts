import { type Addon, type AddonContext, poll } from "@multicloud/core/plugin";
import { loadManifest } from "../manifest/load.js";
import { waitFor } from "../options/wait.js";
import { withKubeletRootDir } from "./kubelet.js";
import { checkLonghorn, type LonghornOptions } from "./options.js";
import { applySiteClasses } from "./site-classes.js";
import { isWanted, wantedClass, withStorageClass } from "./storage-class.js";
import { uiObjects } from "./ui.js";

const namespace = "longhorn-system";

/** `deploy/longhorn.yaml` of the tag v1.12.1; the checksum is of that file in Longhorn's repository. */
export const longhornRelease = {
  url: "https://raw.githubusercontent.com/longhorn/longhorn/v1.12.1/deploy/longhorn.yaml",
  sha256: "41648963af867ac1d0c85755fb53cf61cacd57c9bb22e1942e3fb0439eeb04fd",
};

/**
 * Longhorn 1.12.1 (Kubernetes 1.25 and newer): volumes kept in several copies on the workers' disks, and the
 * default StorageClass `longhorn`, whose copies are in different sites, and one class for each site that stays
 * inside it. Nodes get open-iscsi and the NFS client. With `ui`, its web interface is served behind a password. Ready when the managers and the driver deployer run and the StorageClass is
 * there with the wanted settings.
 */
export function longhorn(options: LonghornOptions = {}): Addon {
  return {
    specVersion: "v1",
    name: "longhorn",
    ...(options.ui && options.ui.issuer !== false ? { after: ["cert-manager"] } : {}),
    check: async (_, nodes) => checkLonghorn(options, nodes),
    prepare: ({ role }) =>
      role === "worker"
        ? { packages: ["open-iscsi", "nfs-common"], services: [{ name: "iscsid" }] }
        : // Longhorn's pods tolerate no taint of the control plane, so nothing of it runs there.
          {},
    apply: (context) => apply(context, options),
  };
}

async function apply(context: AddonContext, options: LonghornOptions): Promise<void> {
  const { kubernetes, signal } = context;
  const wanted = wantedClass(options, context.nodes);
  const objects = await loadManifest(context, "longhorn", options, longhornRelease);
  const settled = withKubeletRootDir(withStorageClass(objects, wanted), options.kubeletRootDir);
  await kubernetes.apply(settled, { signal });
  const timeoutMs = options.timeoutMs ?? 600_000;
  await waitFor(
    context,
    { apiVersion: "apps/v1", kind: "DaemonSet", name: "longhorn-manager", namespace },
    timeoutMs,
  );
  for (const name of ["longhorn-driver-deployer", "longhorn-ui"])
    await waitFor(context, { apiVersion: "apps/v1", kind: "Deployment", name, namespace }, timeoutMs);
  await poll({
    what: "Longhorn to make its StorageClass",
    intervalMs: options.pollIntervalMs ?? 1_000,
    timeoutMs,
    signal,
    hint: `look at the logs: kubectl --namespace ${namespace} logs daemonset/longhorn-manager`,
    async check(looking) {
      const reference = { apiVersion: "storage.k8s.io/v1", kind: "StorageClass", name: "longhorn" };
      const found = await kubernetes.get(reference, { signal: looking });
      return isWanted(found, wanted) ? true : undefined;
    },
  });
  await applySiteClasses(context, options);
  if (options.ui) await kubernetes.apply(await uiObjects(context, options.ui), { signal });
}

import { parse } from "yaml";
import { type ApiObject, type Fields, fields, sameValue } from "../api-object.js";
import type { ControllerParts } from "./controller-manager.js";

const namespace = "longhorn-system";

/**
 * What Longhorn does once its managers run: the driver deployer brings the CSI driver, and the StorageClass
 * is made from the ConfigMap `longhorn-storageclass`, deleted and made anew when that changes (a
 * StorageClass' parameters cannot be).
 */
export function reconcileLonghorn({ store }: ControllerParts): void {
  const manager = fields(store.find("apps/v1", "DaemonSet", namespace, "longhorn-manager")?.status);
  const isUp = Number(manager.numberReady ?? 0) > 0 && manager.numberReady === manager.desiredNumberScheduled;
  const deployer = fields(store.find("apps/v1", "Deployment", namespace, "longhorn-driver-deployer")?.status);
  if (!isUp || !deployer.availableReplicas) return;
  if (!store.find("storage.k8s.io/v1", "CSIDriver", undefined, "driver.longhorn.io"))
    store.create({
      apiVersion: "storage.k8s.io/v1",
      kind: "CSIDriver",
      metadata: { name: "driver.longhorn.io" },
      spec: { attachRequired: true, podInfoOnMount: true },
    });
  const config = store.find("v1", "ConfigMap", namespace, "longhorn-storageclass");
  const text = fields(config?.data)["storageclass.yaml"];
  if (typeof text !== "string") return;
  const wanted = parse(text) as ApiObject;
  const present = store.find("storage.k8s.io/v1", "StorageClass", undefined, wanted.metadata.name);
  if (present && sameValue(relevant(present), relevant(wanted))) return;
  if (present) store.remove(present);
  store.create({ reclaimPolicy: "Delete", volumeBindingMode: "Immediate", ...wanted } as ApiObject);
}

function relevant(object: ApiObject): Fields {
  return {
    parameters: object.parameters,
    annotations: object.metadata.annotations ?? {},
    provisioner: object.provisioner,
  };
}

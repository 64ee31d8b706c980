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
  nodes(store);
  const config = store.find("v1", "ConfigMap", namespace, "longhorn-storageclass");
  const text = fields(config?.data)["storageclass.yaml"];
  if (typeof text !== "string") return;
  const wanted = parse(text) as ApiObject;
  const present = store.find("storage.k8s.io/v1", "StorageClass", undefined, wanted.metadata.name);
  if (present && sameValue(relevant(present), relevant(wanted))) return;
  if (present) store.remove(present);
  store.create({ reclaimPolicy: "Delete", volumeBindingMode: "Immediate", ...wanted } as ApiObject);
}

/** A manager makes a `nodes.longhorn.io` for the node that it runs on; one whose node is gone is left to the user. */
function nodes(store: ControllerParts["store"]): void {
  if (!store.type("longhorn.io/v1beta2", "Node")) return;
  for (const pod of store.all("v1", "Pod")) {
    const name = fields(pod.spec).nodeName;
    const isManager = pod.metadata.namespace === namespace && pod.metadata.labels?.app === "longhorn-manager";
    if (!isManager || typeof name !== "string" || store.find("longhorn.io/v1beta2", "Node", namespace, name))
      continue;
    store.create({
      apiVersion: "longhorn.io/v1beta2",
      kind: "Node",
      metadata: {
        name,
        namespace,
        managedFields: [
          {
            manager: "longhorn-manager",
            operation: "Update",
            apiVersion: "longhorn.io/v1beta2",
            time: "2026-01-01T00:00:00Z",
            fieldsType: "FieldsV1",
            fieldsV1: { "f:spec": { "f:allowScheduling": {}, "f:name": {}, "f:tags": {} } },
          },
        ],
      },
      spec: { allowScheduling: true, evictionRequested: false, name, tags: [] },
    });
  }
}

function relevant(object: ApiObject): Fields {
  return {
    parameters: object.parameters,
    annotations: object.metadata.annotations ?? {},
    provisioner: object.provisioner,
  };
}

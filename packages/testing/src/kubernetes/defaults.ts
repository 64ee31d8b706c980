import { type ApiObject, type Fields, fields, fieldsList, isFields } from "./api-object.js";
import { fill, setPodDefaults } from "./pod-defaults.js";

type Defaulter = (
  object: ApiObject,
  spec: Fields,
  live: ApiObject | undefined,
  allocateIp: () => string,
) => void;

// By kind; what the API server fills in as far as something here depends on it.
const withSpec: Readonly<Record<string, Defaulter>> = {
  Deployment(_, spec) {
    fill(spec, {
      replicas: 1,
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
      strategy: {},
    });
    const strategy = fields(spec.strategy);
    fill(strategy, { type: "RollingUpdate" });
    if (strategy.type === "RollingUpdate") fill(strategy, { rollingUpdate: {} });
    if (isFields(strategy.rollingUpdate))
      fill(strategy.rollingUpdate, { maxSurge: "25%", maxUnavailable: "25%" });
  },
  DaemonSet(_, spec) {
    fill(spec, { revisionHistoryLimit: 10, updateStrategy: {} });
    const strategy = fields(spec.updateStrategy);
    fill(strategy, { type: "RollingUpdate" });
    if (strategy.type === "RollingUpdate") fill(strategy, { rollingUpdate: {} });
    if (isFields(strategy.rollingUpdate)) fill(strategy.rollingUpdate, { maxSurge: 0, maxUnavailable: 1 });
  },
  StatefulSet(_, spec) {
    fill(spec, {
      replicas: 1,
      podManagementPolicy: "OrderedReady",
      revisionHistoryLimit: 10,
      updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 0 } },
      persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain", whenScaled: "Retain" },
    });
  },
  Job(_, spec) {
    fill(spec, { completions: 1, parallelism: 1, backoffLimit: 6, suspend: false });
    fill(spec, { completionMode: "NonIndexed", podReplacementPolicy: "TerminatingOrFailed" });
  },
  Service(_, spec, live, allocateIp) {
    fill(spec, { type: "ClusterIP", sessionAffinity: "None", internalTrafficPolicy: "Cluster" });
    for (const port of fieldsList(spec.ports)) fill(port, { protocol: "TCP", targetPort: port.port });
    if (spec.type === "ExternalName") return;
    fill(spec, { clusterIP: fields(live?.spec).clusterIP ?? allocateIp() });
    // A headless Service without a selector may get addresses of any family.
    const isOpen = spec.clusterIP === "None" && spec.selector === undefined;
    fill(spec, {
      clusterIPs: [spec.clusterIP],
      ipFamilies: isOpen ? ["IPv4", "IPv6"] : ["IPv4"],
      ipFamilyPolicy: isOpen ? "RequireDualStack" : "SingleStack",
    });
  },
  Namespace(object, spec) {
    const name = { "kubernetes.io/metadata.name": object.metadata.name };
    object.metadata.labels = { ...name, ...object.metadata.labels };
    fill(spec, { finalizers: ["kubernetes"] });
    object.status ??= { phase: "Active" };
  },
  Pod(object, spec) {
    object.status ??= { phase: "Pending", conditions: [] };
    fill(spec, { enableServiceLinks: true });
    setPodDefaults(spec);
  },
  CustomResourceDefinition(_, spec) {
    const names = fields(spec.names);
    const kind = String(names.kind ?? "");
    fill(names, { singular: kind.toLowerCase(), listKind: `${kind}List` });
    fill(spec, { conversion: { strategy: "None" } });
  },
};

const withoutSpec: Readonly<Record<string, (object: ApiObject) => void>> = {
  Secret(object) {
    const { stringData } = object;
    if (stringData !== undefined) {
      // Write-only convenience: stored as data.
      delete object.stringData;
      const encoded = Object.entries(fields(stringData)).map(([name, value]) => [
        name,
        Buffer.from(String(value)).toString("base64"),
      ]);
      object.data = { ...fields(object.data), ...Object.fromEntries(encoded) };
    }
    fill(object, { type: "Opaque" });
  },
  StorageClass(object) {
    fill(object, { reclaimPolicy: "Delete", volumeBindingMode: "Immediate" });
  },
  MutatingWebhookConfiguration: webhooks,
  ValidatingWebhookConfiguration: webhooks,
};

/** Fills in defaults before an object is stored. */
export function setDefaults(object: ApiObject, live: ApiObject | undefined, allocateIp: () => string): void {
  const fillSpec = withSpec[object.kind];
  if (fillSpec) {
    const spec = object.spec ?? {};
    object.spec = spec;
    fillSpec(object, spec, live, allocateIp);
    if (isFields(spec.template) && isFields(spec.template.spec)) setPodDefaults(spec.template.spec);
  }
  withoutSpec[object.kind]?.(object);
}

function webhooks(object: ApiObject): void {
  for (const webhook of fieldsList(object.webhooks)) {
    fill(webhook, { failurePolicy: "Fail", matchPolicy: "Equivalent", timeoutSeconds: 10 });
    fill(webhook, { namespaceSelector: {}, objectSelector: {} });
  }
}

import { builtinSchemas, metadataSchema } from "./builtin-schemas.js";
import type { ResourceType } from "./resource-type.js";
import { anything, type Schema, string } from "./schema.js";

// plural | kind | scope (n namespaced, c cluster) and s for a status subresource | short names | subresources
const groups: Readonly<Record<string, readonly string[]>> = {
  v1: [
    "bindings|Binding|n",
    "componentstatuses|ComponentStatus|c|cs",
    "configmaps|ConfigMap|n|cm",
    "endpoints|Endpoints|n|ep",
    "events|Event|n|ev",
    "limitranges|LimitRange|n|limits",
    "namespaces|Namespace|cs|ns|finalize",
    "nodes|Node|cs|no|proxy",
    "persistentvolumeclaims|PersistentVolumeClaim|ns|pvc",
    "persistentvolumes|PersistentVolume|cs|pv",
    "pods|Pod|ns|po|attach,binding,eviction,exec,log,portforward,proxy",
    "replicationcontrollers|ReplicationController|ns|rc|scale",
    "resourcequotas|ResourceQuota|ns|quota",
    "secrets|Secret|n",
    "serviceaccounts|ServiceAccount|n|sa|token",
    "services|Service|ns|svc|proxy",
  ],
  "admissionregistration.k8s.io/v1": [
    "mutatingwebhookconfigurations|MutatingWebhookConfiguration|c",
    "validatingwebhookconfigurations|ValidatingWebhookConfiguration|c",
  ],
  "apiextensions.k8s.io/v1": ["customresourcedefinitions|CustomResourceDefinition|cs|crd,crds"],
  "apiregistration.k8s.io/v1": ["apiservices|APIService|cs"],
  "apps/v1": [
    "controllerrevisions|ControllerRevision|n",
    "daemonsets|DaemonSet|ns|ds",
    "deployments|Deployment|ns|deploy|scale",
    "replicasets|ReplicaSet|ns|rs|scale",
    "statefulsets|StatefulSet|ns|sts|scale",
  ],
  "autoscaling/v2": ["horizontalpodautoscalers|HorizontalPodAutoscaler|ns|hpa"],
  "batch/v1": ["cronjobs|CronJob|ns|cj", "jobs|Job|ns"],
  "coordination.k8s.io/v1": ["leases|Lease|n"],
  "discovery.k8s.io/v1": ["endpointslices|EndpointSlice|n"],
  "networking.k8s.io/v1": [
    "ingressclasses|IngressClass|c",
    "ingresses|Ingress|ns|ing",
    "networkpolicies|NetworkPolicy|n|netpol",
  ],
  "policy/v1": ["poddisruptionbudgets|PodDisruptionBudget|ns|pdb"],
  "rbac.authorization.k8s.io/v1": [
    "clusterrolebindings|ClusterRoleBinding|c",
    "clusterroles|ClusterRole|c",
    "rolebindings|RoleBinding|n",
    "roles|Role|n",
  ],
  "scheduling.k8s.io/v1": ["priorityclasses|PriorityClass|c|pc"],
  "storage.k8s.io/v1": [
    "csidrivers|CSIDriver|c",
    "csinodes|CSINode|c",
    "csistoragecapacities|CSIStorageCapacity|n",
    "storageclasses|StorageClass|c|sc",
    "volumeattachments|VolumeAttachment|cs",
  ],
};

// Kinds without a table of fields: their metadata is checked all the same.
const metadataOnly: Schema = {
  type: "object",
  properties: { apiVersion: string, kind: string, metadata: metadataSchema, spec: anything },
  "x-kubernetes-preserve-unknown-fields": true,
};

/** The kinds that every cluster has. */
export const builtinTypes: readonly ResourceType[] = Object.entries(groups).flatMap(([apiVersion, lines]) => {
  const [group, version] = apiVersion.includes("/")
    ? (apiVersion.split("/") as [string, string])
    : (["", apiVersion] as const);
  return lines.map((line) => {
    const [plural = "", kind = "", scope = "", short = "", subresources = ""] = line.split("|");
    return {
      group,
      version,
      kind,
      plural,
      singular: kind.toLowerCase(),
      shortNames: short ? short.split(",") : [],
      namespaced: scope.startsWith("n"),
      status: scope.endsWith("s") && scope.length > 1,
      subresources: subresources ? subresources.split(",") : [],
      schema: builtinSchemas[`${group}/${kind}`] ?? metadataOnly,
      custom: false,
    };
  });
});

import {
  anything,
  array,
  boolean,
  integer,
  intOrString,
  members,
  object,
  type Schema,
  string,
  stringMap,
  strings,
} from "./schema.js";

// Field names of Kubernetes' API reference (v1.36; held against the real one), as deep as people make mistakes in.

/** `ObjectMeta` of meta/v1. */
export const metadataSchema: Schema = object({
  ...members("name generateName namespace uid resourceVersion selfLink", string),
  ...members("creationTimestamp deletionTimestamp"),
  ...members("generation deletionGracePeriodSeconds", integer),
  labels: stringMap,
  annotations: stringMap,
  finalizers: strings,
  ownerReferences: array(
    object({
      ...members("apiVersion kind name uid", string),
      ...members("controller blockOwnerDeletion", boolean),
    }),
  ),
  managedFields: array(anything),
});

const labelSelector = object({ matchLabels: stringMap, matchExpressions: array(anything) });

const container = object({
  ...members("name image workingDir terminationMessagePath terminationMessagePolicy imagePullPolicy", string),
  ...members("command args", strings),
  ...members("stdin stdinOnce tty", boolean),
  ports: array(
    object({ ...members("name protocol hostIP", string), ...members("containerPort hostPort", integer) }),
  ),
  env: array(object({ ...members("name value", string), valueFrom: anything })),
  volumeMounts: array(
    object({
      ...members("name mountPath subPath subPathExpr mountPropagation recursiveReadOnly", string),
      readOnly: boolean,
    }),
  ),
  ...members(
    "envFrom resources resizePolicy restartPolicy restartPolicyRules volumeDevices livenessProbe readinessProbe startupProbe lifecycle securityContext",
  ),
});

const podSpec = object({
  containers: array(container),
  initContainers: array(container),
  nodeSelector: stringMap,
  topologySpreadConstraints: array(
    object({
      ...members("maxSkew minDomains", integer),
      ...members("topologyKey whenUnsatisfiable nodeAffinityPolicy nodeTaintsPolicy", string),
      labelSelector,
      matchLabelKeys: strings,
    }),
  ),
  tolerations: array(object({ ...members("key operator value effect", string), tolerationSeconds: integer })),
  ...members(
    "restartPolicy dnsPolicy serviceAccountName serviceAccount nodeName hostname hostnameOverride subdomain schedulerName priorityClassName runtimeClassName preemptionPolicy",
    string,
  ),
  ...members(
    "automountServiceAccountToken hostNetwork hostPID hostIPC shareProcessNamespace setHostnameAsFQDN enableServiceLinks hostUsers",
    boolean,
  ),
  ...members("terminationGracePeriodSeconds activeDeadlineSeconds priority", integer),
  ...members(
    "volumes ephemeralContainers securityContext imagePullSecrets affinity hostAliases dnsConfig readinessGates overhead os schedulingGates schedulingGroup resourceClaims resources",
  ),
});

const template = object({ metadata: metadataSchema, spec: podSpec });

function kind(rest: Readonly<Record<string, Schema>>, required: readonly string[] = []): Schema {
  return object({ apiVersion: string, kind: string, metadata: metadataSchema, ...rest }, required);
}

/** Schemas by `<group>/<kind>`. Kinds that are not listed have only their metadata checked. */
export const builtinSchemas: Readonly<Record<string, Schema>> = {
  "apps/Deployment": kind({
    spec: object(
      {
        ...members("replicas minReadySeconds revisionHistoryLimit progressDeadlineSeconds", integer),
        selector: labelSelector,
        template,
        strategy: object({
          type: string,
          rollingUpdate: object(members("maxUnavailable maxSurge", intOrString)),
        }),
        paused: boolean,
      },
      ["selector", "template"],
    ),
    status: anything,
  }),
  "apps/DaemonSet": kind({
    spec: object(
      {
        ...members("minReadySeconds revisionHistoryLimit", integer),
        selector: labelSelector,
        template,
        updateStrategy: anything,
      },
      ["selector", "template"],
    ),
    status: anything,
  }),
  "apps/StatefulSet": kind({
    spec: object(
      {
        ...members("replicas minReadySeconds revisionHistoryLimit", integer),
        ...members("serviceName podManagementPolicy", string),
        selector: labelSelector,
        template,
        ...members("volumeClaimTemplates updateStrategy persistentVolumeClaimRetentionPolicy ordinals"),
      },
      ["selector", "template"],
    ),
    status: anything,
  }),
  "batch/Job": kind({
    spec: object(
      {
        ...members(
          "parallelism completions activeDeadlineSeconds backoffLimit backoffLimitPerIndex maxFailedIndexes ttlSecondsAfterFinished",
          integer,
        ),
        selector: labelSelector,
        ...members("manualSelector suspend", boolean),
        ...members("completionMode podReplacementPolicy managedBy", string),
        template,
        ...members("podFailurePolicy successPolicy"),
      },
      ["template"],
    ),
    status: anything,
  }),
  "/Pod": kind({ spec: podSpec, status: anything }),
  "/Service": kind({
    spec: object({
      ports: array(
        object({
          ...members("name protocol appProtocol", string),
          ...members("port nodePort", integer),
          targetPort: intOrString,
        }),
      ),
      selector: stringMap,
      ...members(
        "clusterIP type sessionAffinity loadBalancerIP externalName externalTrafficPolicy internalTrafficPolicy ipFamilyPolicy loadBalancerClass trafficDistribution",
        string,
      ),
      ...members("clusterIPs externalIPs loadBalancerSourceRanges ipFamilies", strings),
      ...members("publishNotReadyAddresses allocateLoadBalancerNodePorts", boolean),
      healthCheckNodePort: integer,
      sessionAffinityConfig: anything,
    }),
    status: anything,
  }),
  "/ConfigMap": kind({ data: stringMap, binaryData: stringMap, immutable: boolean }),
  "/Secret": kind({ data: stringMap, stringData: stringMap, type: string, immutable: boolean }),
  "/Namespace": kind({ spec: object({ finalizers: strings }), status: anything }),
  "/ServiceAccount": kind({ ...members("secrets imagePullSecrets"), automountServiceAccountToken: boolean }),
  "networking.k8s.io/Ingress": kind({
    spec: object({
      ingressClassName: string,
      defaultBackend: anything,
      tls: array(object({ hosts: strings, secretName: string })),
      rules: array(
        object({
          host: string,
          http: object({
            paths: array(
              object(
                {
                  path: string,
                  pathType: { ...string, enum: ["Exact", "ImplementationSpecific", "Prefix"] },
                  backend: object({
                    service: object({ name: string, port: object({ name: string, number: integer }) }),
                    resource: anything,
                  }),
                },
                ["backend"],
              ),
            ),
          }),
        }),
      ),
    }),
    status: anything,
  }),
  "storage.k8s.io/StorageClass": kind(
    {
      ...members("provisioner reclaimPolicy volumeBindingMode", string),
      parameters: stringMap,
      allowVolumeExpansion: boolean,
      mountOptions: strings,
      allowedTopologies: anything,
    },
    ["provisioner"],
  ),
  "coordination.k8s.io/Lease": kind({
    spec: object({
      ...members("holderIdentity acquireTime renewTime strategy preferredHolder", string),
      ...members("leaseDurationSeconds leaseTransitions", integer),
    }),
  }),
  "policy/PodDisruptionBudget": kind({
    spec: object({
      ...members("minAvailable maxUnavailable", intOrString),
      selector: labelSelector,
      unhealthyPodEvictionPolicy: string,
    }),
    status: anything,
  }),
  "apiextensions.k8s.io/CustomResourceDefinition": kind({
    spec: object(
      {
        ...members("group scope", string),
        names: object({
          ...members("plural singular kind listKind", string),
          ...members("shortNames categories", strings),
        }),
        versions: array(
          object({
            ...members("name deprecationWarning", string),
            ...members("served storage deprecated", boolean),
            ...members("schema subresources additionalPrinterColumns selectableFields"),
          }),
        ),
        conversion: anything,
        preserveUnknownFields: boolean,
      },
      ["group", "names", "scope", "versions"],
    ),
    status: anything,
  }),
};

import { customResource } from "./custom-resource.js";

const version = "v1.21.1";
const namespace = "cert-manager";

/** Objects in the order, and with the names, of `cert-manager.yaml`; far fewer and far shorter. */
export function certManagerManifest(): readonly object[] {
  return [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } },
    definition("Certificate", "certificates", "Namespaced", certificateSpec),
    definition("CertificateRequest", "certificaterequests", "Namespaced"),
    definition("ClusterIssuer", "clusterissuers", "Cluster", issuerSpec),
    definition("Issuer", "issuers", "Namespaced", issuerSpec),
    definition("Challenge", "challenges", "Namespaced", undefined, "acme.cert-manager.io"),
    definition("Order", "orders", "Namespaced", undefined, "acme.cert-manager.io"),
    ...["cainjector", "controller", "webhook"].map((component) => ({
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: { name: nameOf(component), namespace, labels: labelsOf(component) },
    })),
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRole",
      metadata: { name: "cert-manager-controller-issuers", labels: labelsOf("controller") },
      rules: [
        {
          apiGroups: ["cert-manager.io"],
          resources: ["issuers", "clusterissuers"],
          verbs: ["get", "list", "watch"],
        },
        {
          apiGroups: [""],
          resources: ["secrets"],
          verbs: ["get", "list", "watch", "create", "update", "delete"],
        },
      ],
    },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRoleBinding",
      metadata: { name: "cert-manager-controller-issuers", labels: labelsOf("controller") },
      roleRef: {
        apiGroup: "rbac.authorization.k8s.io",
        kind: "ClusterRole",
        name: "cert-manager-controller-issuers",
      },
      subjects: [{ kind: "ServiceAccount", name: "cert-manager", namespace }],
    },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "Role",
      metadata: {
        name: "cert-manager:leaderelection",
        namespace: "kube-system",
        labels: labelsOf("controller"),
      },
      rules: [
        { apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["get", "update", "patch"] },
      ],
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "cert-manager-webhook", namespace, labels: labelsOf("webhook") },
      spec: {
        type: "ClusterIP",
        ports: [{ name: "https", port: 443, protocol: "TCP", targetPort: "https" }],
        selector: selectorOf("webhook"),
      },
    },
    deployment("cainjector"),
    deployment("controller"),
    deployment("webhook", [{ name: "https", containerPort: 10250, protocol: "TCP" }]),
    webhookConfiguration("MutatingWebhookConfiguration", "/mutate", ["cert-manager.io"], ["CREATE"]),
    webhookConfiguration(
      "ValidatingWebhookConfiguration",
      "/validate",
      ["cert-manager.io", "acme.cert-manager.io"],
      ["CREATE", "UPDATE"],
    ),
  ];
}

function nameOf(component: string): string {
  return component === "controller" ? "cert-manager" : `cert-manager-${component}`;
}

function labelsOf(component: string): Record<string, string> {
  return { ...selectorOf(component), app: nameOf(component), "app.kubernetes.io/version": version };
}

function selectorOf(component: string): Record<string, string> {
  return {
    "app.kubernetes.io/name": component === "controller" ? "cert-manager" : component,
    "app.kubernetes.io/instance": "cert-manager",
    "app.kubernetes.io/component": component,
  };
}

function definition(
  kind: string,
  plural: string,
  scope: "Namespaced" | "Cluster",
  spec?: Readonly<Record<string, unknown>>,
  group = "cert-manager.io",
) {
  const labels = { app: "cert-manager", "app.kubernetes.io/instance": "cert-manager" };
  return customResource({ group, version: "v1", kind, plural, scope, labels, ...(spec ? { spec } : {}) });
}

function deployment(component: string, ports: readonly object[] = []) {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: nameOf(component), namespace, labels: labelsOf(component) },
    spec: {
      replicas: 1,
      selector: { matchLabels: selectorOf(component) },
      template: {
        metadata: { labels: labelsOf(component) },
        spec: {
          serviceAccountName: nameOf(component),
          containers: [
            {
              name: `cert-manager-${component}`,
              image: `quay.io/jetstack/cert-manager-${component}:${version}`,
              imagePullPolicy: "IfNotPresent",
              args: ["--v=2"],
              ...(ports.length > 0 ? { ports } : {}),
            },
          ],
          nodeSelector: { "kubernetes.io/os": "linux" },
        },
      },
    },
  };
}

function webhookConfiguration(
  kind: string,
  path: string,
  groups: readonly string[],
  operations: readonly string[],
) {
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind,
    metadata: {
      name: "cert-manager-webhook",
      labels: labelsOf("webhook"),
      annotations: { "cert-manager.io/inject-ca-from-secret": "cert-manager/cert-manager-webhook-ca" },
    },
    webhooks: [
      {
        name: "webhook.cert-manager.io",
        rules: [{ apiGroups: groups, apiVersions: ["v1"], operations, resources: ["*/*"] }],
        admissionReviewVersions: ["v1"],
        matchPolicy: "Equivalent",
        timeoutSeconds: 30,
        failurePolicy: "Fail",
        sideEffects: "None",
        clientConfig: { service: { name: "cert-manager-webhook", namespace, path } },
      },
    ],
  };
}

const text = { type: "string" };
const list = (items: object) => ({ type: "array", items });
const record = (properties: Readonly<Record<string, object>>, required: readonly string[] = []) => ({
  type: "object",
  properties,
  ...(required.length > 0 ? { required } : {}),
});
const open = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
const secretReference = record({ name: text, key: text }, ["name"]);

const issuerSpec = record({
  acme: record(
    {
      server: text,
      email: text,
      privateKeySecretRef: secretReference,
      preferredChain: text,
      profile: text,
      caBundle: text,
      skipTLSVerify: { type: "boolean" },
      solvers: list(
        record({
          selector: record({
            dnsNames: list(text),
            dnsZones: list(text),
            matchLabels: { type: "object", additionalProperties: text },
          }),
          http01: record({
            ingress: record({
              class: text,
              ingressClassName: text,
              name: text,
              serviceType: text,
              podTemplate: open,
              ingressTemplate: open,
            }),
            gatewayHTTPRoute: open,
          }),
          dns01: record({
            cnameStrategy: text,
            cloudflare: record({
              email: text,
              apiTokenSecretRef: secretReference,
              apiKeySecretRef: secretReference,
            }),
            route53: open,
            webhook: open,
          }),
        }),
      ),
    },
    ["server", "privateKeySecretRef"],
  ),
  ca: record({ secretName: text }, ["secretName"]),
  selfSigned: open,
  vault: open,
  venafi: open,
});

const certificateSpec = record(
  {
    secretName: text,
    dnsNames: list(text),
    commonName: text,
    duration: text,
    renewBefore: text,
    issuerRef: record({ name: text, kind: text, group: text }, ["name"]),
    privateKey: open,
    usages: list(text),
    isCA: { type: "boolean" },
    secretTemplate: open,
    subject: open,
    ipAddresses: list(text),
    revisionHistoryLimit: { type: "integer" },
  },
  ["secretName", "issuerRef"],
);

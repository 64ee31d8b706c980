import type { KubernetesObject } from "@multicloud/core/plugin";
import type { TraefikOptions } from "./traefik.js";

/** Value of the label `app.kubernetes.io/managed-by` of what this package makes. */
export const managedBy = "multicloud";

const name = "traefik";
const labels = { "app.kubernetes.io/name": name, "app.kubernetes.io/managed-by": managedBy };

/** All objects of Traefik but the definitions of its kinds. */
export function traefikObjects(options: TraefikOptions, namespace: string): readonly KubernetesObject[] {
  const meta = { name, labels };
  const inside = { ...meta, namespace };
  return [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } },
    { apiVersion: "v1", kind: "ServiceAccount", metadata: inside },
    { apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole", metadata: meta, rules },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRoleBinding",
      metadata: meta,
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name },
      subjects: [{ kind: "ServiceAccount", name, namespace }],
    },
    {
      apiVersion: "networking.k8s.io/v1",
      kind: "IngressClass",
      metadata: {
        ...meta,
        annotations: {
          "ingressclass.kubernetes.io/is-default-class": String(options.defaultClass !== false),
        },
      },
      spec: { controller: "traefik.io/ingress-controller" },
    },
    { apiVersion: "apps/v1", kind: "DaemonSet", metadata: inside, spec: daemonSet(options) },
  ];
}

const reading = ["get", "list", "watch"];
/** What Traefik's providers for Ingress objects and for its own kinds read (Traefik docs, "Kubernetes CRD", RBAC). */
const rules = [
  { apiGroups: [""], resources: ["configmaps", "nodes", "secrets", "services"], verbs: reading },
  { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: reading },
  { apiGroups: ["networking.k8s.io"], resources: ["ingressclasses", "ingresses"], verbs: reading },
  { apiGroups: ["networking.k8s.io"], resources: ["ingresses/status"], verbs: ["update"] },
  {
    apiGroups: ["traefik.io"],
    resources: [
      "ingressroutes",
      "ingressroutetcps",
      "ingressrouteudps",
      "middlewares",
      "middlewaretcps",
      "serverstransports",
      "serverstransporttcps",
      "tlsoptions",
      "tlsstores",
      "traefikservices",
    ],
    verbs: reading,
  },
];

function daemonSet({ image, ports }: TraefikOptions): object {
  const selector = { "app.kubernetes.io/name": name };
  return {
    selector: { matchLabels: selector },
    // A port of a node cannot be had twice, so the old pod has to go first.
    updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } },
    template: {
      metadata: { labels },
      spec: {
        serviceAccountName: name,
        terminationGracePeriodSeconds: 60,
        containers: [
          {
            name,
            image: image ?? "docker.io/library/traefik:v3.7.11",
            args: [
              "--global.checknewversion=false",
              "--global.sendanonymoususage=false",
              "--entrypoints.web.address=:8000/tcp",
              "--entrypoints.websecure.address=:8443/tcp",
              "--entrypoints.websecure.http.tls=true",
              "--entrypoints.traefik.address=:8080/tcp",
              "--ping=true",
              "--providers.kubernetesingress=true",
              "--providers.kubernetescrd=true",
            ],
            ports: [
              { name: "web", containerPort: 8000, hostPort: ports?.http ?? 80, protocol: "TCP" },
              { name: "websecure", containerPort: 8443, hostPort: ports?.https ?? 443, protocol: "TCP" },
              { name: "ping", containerPort: 8080, protocol: "TCP" },
            ],
            readinessProbe: { httpGet: { path: "/ping", port: "ping" }, periodSeconds: 5 },
            livenessProbe: { httpGet: { path: "/ping", port: "ping" }, periodSeconds: 10 },
            resources: { requests: { cpu: "100m", memory: "64Mi" } },
            securityContext: {
              runAsNonRoot: true,
              runAsUser: 65_532,
              runAsGroup: 65_532,
              allowPrivilegeEscalation: false,
              readOnlyRootFilesystem: true,
              capabilities: { drop: ["ALL"] },
            },
            volumeMounts: [{ name: "tmp", mountPath: "/tmp" }],
          },
        ],
        volumes: [{ name: "tmp", emptyDir: {} }],
      },
    },
  };
}

import { createHash } from "node:crypto";
import type { KubernetesObject } from "@multicloud/core/plugin";
import type { AgentSettings } from "../agent/settings.js";

/** What the objects are made from. */
export interface ManifestInput {
  readonly settings: AgentSettings;
  /** Source of the agent. */
  readonly program: string;
  /** Source of the DNS plugin's in-cluster half. */
  readonly dnsProgram: string;
  /** The DNS plugin's secrets, by name. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly image: string;
  readonly nodeSelector?: Readonly<Record<string, string>>;
}

/** Labels of all objects of an agent. */
export const labelsOf = (name: string) => ({
  "app.kubernetes.io/name": "entrypoint-agent",
  "app.kubernetes.io/instance": name,
  "app.kubernetes.io/managed-by": "multicloud",
});

/**
 * A small heap, and no compiler, which is never warm in a program that mostly waits: 47 MiB resident instead
 * of 52, and no memory that is both writable and executable. The same as in the Dockerfile.
 */
export const nodeFlags = ["--jitless", "--max-old-space-size=24", "--max-semi-space-size=1"];

/** What one agent may have, in MiB: ten of its own, the rest for the pages of Node's program that it uses. */
const memoryLimitMib = 50;

/** The agents' own namespace. */
export const defaultNamespace = "multicloud-entrypoint";

/** User and group that the agent runs as. */
const user = 65_532;

/**
 * All objects of one agent, in the order in which they are to be applied: Namespace, ServiceAccount, rights,
 * Secret, ConfigMap, DaemonSet. The rights are: read any one node (for its site and address), leases and new
 * events in the agent's own namespace.
 */
export function entrypointAgentManifest(input: ManifestInput): readonly KubernetesObject[] {
  const { settings, program, dnsProgram, secrets } = input;
  const { name, namespace } = settings;
  const labels = labelsOf(name);
  const metadata = { name, namespace, labels };
  const clusterWide = { name: `${namespace}-${name}`, labels };
  const rbac = "rbac.authorization.k8s.io";
  const subjects = [{ kind: "ServiceAccount", name, namespace }];
  const data = { "agent.mjs": program, "dns.mjs": dnsProgram, "settings.json": JSON.stringify(settings) };
  // A changed program or setting starts the pods anew; a changed secret is read by the running ones.
  const hash = createHash("sha256").update(JSON.stringify(data)).digest("hex").slice(0, 16);
  return [
    {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: {
        name: namespace,
        labels: {
          // What else runs in a namespace that somebody chose is theirs to restrict.
          ...(namespace === defaultNamespace ? { "pod-security.kubernetes.io/enforce": "restricted" } : {}),
          "app.kubernetes.io/managed-by": "multicloud",
        },
      },
    },
    { apiVersion: "v1", kind: "ServiceAccount", metadata },
    {
      apiVersion: `${rbac}/v1`,
      kind: "ClusterRole",
      metadata: clusterWide,
      rules: [{ apiGroups: [""], resources: ["nodes"], verbs: ["get"] }],
    },
    {
      apiVersion: `${rbac}/v1`,
      kind: "ClusterRoleBinding",
      metadata: clusterWide,
      roleRef: { apiGroup: rbac, kind: "ClusterRole", name: clusterWide.name },
      subjects,
    },
    {
      apiVersion: `${rbac}/v1`,
      kind: "Role",
      metadata,
      rules: [
        { apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["list", "create", "update"] },
        { apiGroups: [""], resources: ["events"], verbs: ["create"] },
      ],
    },
    {
      apiVersion: `${rbac}/v1`,
      kind: "RoleBinding",
      metadata,
      roleRef: { apiGroup: rbac, kind: "Role", name },
      subjects,
    },
    {
      apiVersion: "v1",
      kind: "Secret",
      metadata,
      type: "Opaque",
      data: Object.fromEntries(
        Object.entries(secrets).map(([key, value]) => [key, Buffer.from(value).toString("base64")]),
      ),
    },
    { apiVersion: "v1", kind: "ConfigMap", metadata, data },
    {
      apiVersion: "apps/v1",
      kind: "DaemonSet",
      metadata,
      spec: {
        selector: { matchLabels: { "app.kubernetes.io/instance": name } },
        // One after the other: the others keep the record meanwhile.
        updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1 } },
        template: {
          metadata: {
            labels,
            annotations: {
              "multicloud.entrypoint/program": hash,
              "prometheus.io/scrape": "true",
              "prometheus.io/port": String(settings.statusPort),
            },
          },
          spec: podSpec(input),
        },
      },
    },
  ];
}

function podSpec({ settings, image, nodeSelector }: ManifestInput): Readonly<Record<string, unknown>> {
  const { name, statusPort } = settings;
  return {
    serviceAccountName: name,
    // The name is needed most when nodes are short of memory.
    priorityClassName: "system-cluster-critical",
    terminationGracePeriodSeconds: 10,
    ...(nodeSelector ? { nodeSelector } : { affinity: workers }),
    securityContext: {
      runAsNonRoot: true,
      runAsUser: user,
      runAsGroup: user,
      fsGroup: user,
      seccompProfile: { type: "RuntimeDefault" },
    },
    containers: [
      {
        name: "agent",
        image,
        command: ["node", ...nodeFlags, "/program/agent.mjs", "/program"],
        env: [
          { name: "NODE_NAME", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } },
          { name: "CREDENTIALS_DIRECTORY", value: "/var/run/secrets/kubernetes.io/serviceaccount" },
          { name: "SECRETS_DIRECTORY", value: "/secrets" },
        ],
        ports: [{ name: "status", containerPort: statusPort, protocol: "TCP" }],
        livenessProbe: {
          httpGet: { path: "/healthz", port: "status" },
          initialDelaySeconds: 10,
          periodSeconds: 10,
          timeoutSeconds: 5,
        },
        resources: {
          requests: { cpu: "10m", memory: `${memoryLimitMib}Mi` },
          limits: { memory: `${memoryLimitMib}Mi` },
        },
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        },
        volumeMounts: [
          { name: "program", mountPath: "/program", readOnly: true },
          { name: "secrets", mountPath: "/secrets", readOnly: true },
        ],
      },
    ],
    volumes: [
      { name: "program", configMap: { name } },
      { name: "secrets", secret: { secretName: name, defaultMode: 0o440 } },
    ],
  };
}

/** Nodes that carry the ingress: those that are no masters, and masters that RKE made workers too. */
const workers = {
  nodeAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: [
        {
          matchExpressions: [
            { key: "node-role.kubernetes.io/control-plane", operator: "DoesNotExist" },
            { key: "node-role.kubernetes.io/controlplane", operator: "DoesNotExist" },
            { key: "node-role.kubernetes.io/master", operator: "DoesNotExist" },
          ],
        },
        { matchExpressions: [{ key: "node-role.kubernetes.io/worker", operator: "Exists" }] },
      ],
    },
  },
};

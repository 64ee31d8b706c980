import type { Addon, AddonContext, CheckResult, KubernetesObject, Problem } from "@multicloud/core/plugin";
import { ingressClass } from "../options/ingress-class.js";
import { countProblems, hostProblems, labelProblems, unknownKeys } from "../options/problems.js";
import { tlsFor } from "../options/tls.js";
import { waitFor } from "../options/wait.js";

/** Options of {@link helloWorld}. */
export interface HelloWorldOptions {
  /** Name that it answers at; make it one that the cluster's entrypoint covers. */
  readonly host: string;
  /** cert-manager ClusterIssuer for its certificate; `false` is plain HTTP. Default `letsencrypt`, the one of `certManager()`. */
  readonly issuer?: string | false;
  /** A web server that takes `--port` and listens there. Default `docker.io/traefik/whoami:v1.11.0`, which answers with the pod's name and addresses. */
  readonly image?: string;
  /** Default 2. */
  readonly replicas?: number;
  /** Default: the cluster's own, see the README. */
  readonly ingressClass?: string;
  /** Default `hello-world`. */
  readonly namespace?: string;
  /** How long to wait for it, in milliseconds. Default 5 minutes. */
  readonly timeoutMs?: number;
}

const keys = [
  "host",
  "issuer",
  "image",
  "replicas",
  "ingressClass",
  "namespace",
  "timeoutMs",
] as const satisfies readonly (keyof HelloWorldOptions)[];
const name = "hello-world";
const port = 8080;

/** A web page that shows that the cluster works: two pods in different sites behind an Ingress with a certificate. Ready when the pods are; the certificate follows once the name resolves. */
export function helloWorld(options: HelloWorldOptions): Addon {
  return {
    specVersion: "v1",
    name,
    after: ["cert-manager", "traefik"],
    check: async () => check(options),
    apply: (context) => apply(context, options),
  };
}

function check(options: HelloWorldOptions): CheckResult {
  const problems: Problem[] = [
    ...unknownKeys(options, keys),
    ...hostProblems("host", options.host),
    ...(options.issuer === false ? [] : labelProblems("issuer", options.issuer)),
    ...labelProblems("ingressClass", options.ingressClass),
    ...labelProblems("namespace", options.namespace),
    ...countProblems("replicas", options.replicas, 1, 1_000),
  ];
  return { problems, warnings: [] };
}

async function apply(context: AddonContext, options: HelloWorldOptions): Promise<void> {
  const namespace = options.namespace ?? name;
  const ingressClassName = await ingressClass(context, options.ingressClass);
  await context.kubernetes.apply(objects(options, namespace, ingressClassName), { signal: context.signal });
  const deployment = { apiVersion: "apps/v1", kind: "Deployment", name, namespace };
  await waitFor(context, deployment, options.timeoutMs ?? 300_000);
}

function objects(
  options: HelloWorldOptions,
  namespace: string,
  ingressClassName: string,
): readonly KubernetesObject[] {
  const labels = { "app.kubernetes.io/name": name };
  const tls = tlsFor(options.host, `${name}-tls`, options.issuer);
  const spread = (topologyKey: string) => ({
    maxSkew: 1,
    topologyKey,
    // A site that is away must not keep its pods from running elsewhere.
    whenUnsatisfiable: "ScheduleAnyway",
    labelSelector: { matchLabels: labels },
  });
  return [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name, namespace, labels },
      spec: {
        replicas: options.replicas ?? 2,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            topologySpreadConstraints: [
              spread("topology.kubernetes.io/region"),
              spread("kubernetes.io/hostname"),
            ],
            containers: [
              {
                name,
                image: options.image ?? "docker.io/traefik/whoami:v1.11.0",
                args: ["--port", String(port)],
                ports: [{ name: "http", containerPort: port, protocol: "TCP" }],
                readinessProbe: { httpGet: { path: "/", port: "http" } },
                resources: { requests: { cpu: "10m", memory: "16Mi" }, limits: { memory: "64Mi" } },
                securityContext: {
                  runAsNonRoot: true,
                  runAsUser: 65_532,
                  allowPrivilegeEscalation: false,
                  readOnlyRootFilesystem: true,
                  capabilities: { drop: ["ALL"] },
                },
              },
            ],
          },
        },
      },
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name, namespace, labels },
      spec: { selector: labels, ports: [{ name: "http", port: 80, protocol: "TCP", targetPort: "http" }] },
    },
    {
      apiVersion: "networking.k8s.io/v1",
      kind: "Ingress",
      metadata: { name, namespace, labels, annotations: tls.annotations },
      spec: {
        ingressClassName,
        ...tls.spec,
        rules: [
          {
            host: options.host,
            http: {
              paths: [
                { path: "/", pathType: "Prefix", backend: { service: { name, port: { name: "http" } } } },
              ],
            },
          },
        ],
      },
    },
  ];
}

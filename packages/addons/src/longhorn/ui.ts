import type { AddonContext, KubernetesObject } from "@multicloud/core/plugin";
import { ingressClass } from "../options/ingress-class.js";
import { tlsFor } from "../options/tls.js";
import { htpasswdLine, htpasswdMatches } from "./htpasswd.js";
import type { LonghornUiOptions } from "./options.js";

const namespace = "longhorn-system";
const secretName = "longhorn-basic-auth";

/** The Ingress of Longhorn's interface behind basic authentication, as the ingress controller wants it. */
export async function uiObjects(
  context: AddonContext,
  ui: LonghornUiOptions,
): Promise<readonly KubernetesObject[]> {
  const ingressClassName = await ingressClass(context, ui.ingressClass);
  const isTraefik = ingressClassName === "traefik";
  const tls = tlsFor(ui.host, "longhorn-ui-tls", ui.issuer);
  return [
    await authSecret(context, ui),
    ...(isTraefik ? middlewares : []),
    {
      apiVersion: "networking.k8s.io/v1",
      kind: "Ingress",
      metadata: {
        name: "longhorn-ui",
        namespace,
        annotations: { ...tls.annotations, ...(isTraefik ? traefikAnnotations : nginxAnnotations(tls.isOn)) },
      },
      spec: {
        ingressClassName,
        ...tls.spec,
        rules: [
          {
            host: ui.host,
            http: {
              paths: [
                {
                  path: "/",
                  pathType: "Prefix",
                  backend: { service: { name: "longhorn-frontend", port: { number: 80 } } },
                },
              ],
            },
          },
        ],
      },
    },
  ];
}

/** The hash has a random salt, so the one that is there is kept while it fits: else each run would change it. */
async function authSecret(context: AddonContext, ui: LonghornUiOptions): Promise<KubernetesObject> {
  const reference = { apiVersion: "v1", kind: "Secret", name: secretName, namespace };
  const present = await context.kubernetes.get(reference, { signal: context.signal });
  const auth = (present?.data as { readonly auth?: string } | undefined)?.auth;
  const stored = auth === undefined ? "" : Buffer.from(auth, "base64").toString("utf8");
  const line = htpasswdMatches(stored, ui.user, ui.password)
    ? stored
    : `${htpasswdLine(ui.user, ui.password)}\n`;
  return {
    apiVersion: "v1",
    kind: "Secret",
    type: "Opaque",
    metadata: { name: secretName, namespace },
    data: { auth: Buffer.from(line).toString("base64") },
  };
}

function nginxAnnotations(tls: boolean): Record<string, string> {
  return {
    "nginx.ingress.kubernetes.io/auth-type": "basic",
    "nginx.ingress.kubernetes.io/auth-secret": secretName,
    "nginx.ingress.kubernetes.io/auth-realm": "Longhorn",
    // Backing images are uploaded through the interface.
    "nginx.ingress.kubernetes.io/proxy-body-size": "10000m",
    "nginx.ingress.kubernetes.io/ssl-redirect": String(tls),
  };
}

const traefikAnnotations = {
  "traefik.ingress.kubernetes.io/router.middlewares": `${namespace}-longhorn-auth@kubernetescrd,${namespace}-longhorn-body@kubernetescrd`,
};

const middlewares: readonly KubernetesObject[] = [
  {
    apiVersion: "traefik.io/v1alpha1",
    kind: "Middleware",
    metadata: { name: "longhorn-auth", namespace },
    spec: { basicAuth: { secret: secretName, removeHeader: true } },
  },
  {
    apiVersion: "traefik.io/v1alpha1",
    kind: "Middleware",
    metadata: { name: "longhorn-body", namespace },
    spec: { buffering: { maxRequestBodyBytes: 10_485_760_000 } },
  },
];

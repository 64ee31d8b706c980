import type { KubernetesObject } from "@multicloud/core/plugin";
import { defaultIssuer } from "../options/tls.js";
import { type CertManagerOptions, directoryOf } from "./options.js";

// A ClusterIssuer has no namespace; cert-manager looks for its Secrets in the one it runs in.
const namespace = "cert-manager";
const tokenSecret = "cloudflare-api-token";

/**
 * The ClusterIssuer, and before it the Secret with the token that it needs.
 *
 * @param ingressClass of the Ingress that answers HTTP-01
 */
export function issuerObjects(
  options: CertManagerOptions,
  ingressClass: string,
): readonly KubernetesObject[] {
  const { cloudflare } = options;
  const name = options.issuer ?? defaultIssuer;
  const issuer: KubernetesObject = {
    apiVersion: "cert-manager.io/v1",
    kind: "ClusterIssuer",
    metadata: { name },
    spec: {
      acme: {
        server: directoryOf(options.server),
        email: options.email,
        privateKeySecretRef: { name: `${name}-account-key` },
        solvers: solvers(options, ingressClass),
      },
    },
  };
  if (!cloudflare) return [issuer];
  const secret: KubernetesObject = {
    apiVersion: "v1",
    kind: "Secret",
    type: "Opaque",
    metadata: { name: tokenSecret, namespace },
    data: { "api-token": Buffer.from(cloudflare.token.trim()).toString("base64") },
  };
  return [secret, issuer];
}

function solvers(options: CertManagerOptions, ingressClassName: string): readonly object[] {
  const http01 = { http01: { ingress: { ingressClassName } } };
  const { cloudflare } = options;
  if (!cloudflare) return [http01];
  const dns01 = { dns01: { cloudflare: { apiTokenSecretRef: { name: tokenSecret, key: "api-token" } } } };
  if (!cloudflare.zones?.length) return [dns01];
  return [{ selector: { dnsZones: cloudflare.zones }, ...dns01 }, http01];
}

/** The name that {@link certManager} gives its ClusterIssuer. */
export const defaultIssuer = "letsencrypt";

/** What an Ingress needs to get a certificate from a ClusterIssuer of cert-manager. */
export interface IngressTls {
  readonly isOn: boolean;
  readonly annotations: Readonly<Record<string, string>>;
  /** To be spread into the Ingress' `spec`. */
  readonly spec: {
    readonly tls?: readonly { readonly hosts: readonly string[]; readonly secretName: string }[];
  };
}

export function tlsFor(host: string, secretName: string, issuer: string | false | undefined): IngressTls {
  if (issuer === false) return { isOn: false, annotations: {}, spec: {} };
  return {
    isOn: true,
    annotations: { "cert-manager.io/cluster-issuer": issuer ?? defaultIssuer },
    spec: { tls: [{ hosts: [host], secretName }] },
  };
}

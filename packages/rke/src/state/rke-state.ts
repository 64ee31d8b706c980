import { X509Certificate } from "node:crypto";

/** RKE's state file: the certificates and keys of the cluster. */
export interface RkeState {
  readonly text: string;
  /** SHA-256 fingerprint of the cluster's CA certificate: what makes it this cluster. */
  readonly caFingerprint: string;
}

interface StateDocument {
  readonly desiredState?: { readonly certificatesBundle?: Certificates };
  readonly currentState?: { readonly certificatesBundle?: Certificates };
}

type Certificates = Readonly<Record<string, { readonly certificatePEM?: string }>>;

/** Reads a state file; `undefined` when it is damaged (RKE does not write it atomically) or without a CA. */
export function parseRkeState(text: string): RkeState | undefined {
  try {
    const { desiredState, currentState } = JSON.parse(text) as StateDocument;
    const bundle = desiredState?.certificatesBundle ?? currentState?.certificatesBundle;
    const pem = bundle?.["kube-ca"]?.certificatePEM;
    return pem === undefined ? undefined : { text, caFingerprint: fingerprintOf(pem) };
  } catch {
    return undefined;
  }
}

/** SHA-256 fingerprint of a certificate in PEM. Throws when it is none. */
export function fingerprintOf(pem: string): string {
  return new X509Certificate(pem).fingerprint256;
}

import { X509Certificate } from "node:crypto";
import type { ClusterFile } from "../tool/cluster-file.js";
import { type CertificateRequest, createAuthority, issue, type KeyPair } from "./authority.js";

/** One entry of the state file's `certificatesBundle`. */
export interface BundleEntry {
  readonly certificatePEM: string;
  readonly keyPEM: string;
  readonly config: string;
  readonly name: string;
  readonly commonName: string;
  readonly ouName: string;
  readonly envName: string;
  readonly path: string;
  readonly keyEnvName: string;
  readonly keyPath: string;
}

/** All certificates of a cluster by name, as in RKE's state file. */
export type CertificatesBundle = Readonly<Record<string, BundleEntry>>;

const authorities: Readonly<Record<string, string>> = {
  "kube-ca": "kube-ca",
  "kube-apiserver-requestheader-ca": "kube-apiserver-requestheader-ca",
};

/**
 * The certificates that a cluster needs. Those that are there and still right are kept; without any, a new
 * CA is made.
 */
export async function completeBundle(
  file: ClusterFile,
  known: CertificatesBundle | undefined,
): Promise<CertificatesBundle> {
  const bundle: Record<string, BundleEntry> = {};
  for (const [name, commonName] of Object.entries(authorities)) {
    bundle[name] = known?.[name] ?? entry(name, { commonName }, await createAuthority(commonName));
  }
  const ca = bundle["kube-ca"]!;
  const authority = { certPem: ca.certificatePEM, keyPem: ca.keyPEM };
  const requests = Object.entries(requestsOf(file));
  const made = await Promise.all(
    requests.map(async ([name, request]) => {
      const present = known?.[name];
      if (present && hasNames(present, request)) return present;
      return entry(name, request, await issue(authority, request));
    }),
  );
  requests.forEach(([name], index) => {
    bundle[name] = made[index]!;
  });
  return bundle;
}

/**
 * The same certificates with some of them left out, so that {@link completeBundle} makes them anew: those of
 * these components, all when none is named, and those of the authorities as well with `ca`.
 */
export function withoutRotated(
  bundle: CertificatesBundle,
  components: readonly string[],
  ca: boolean,
): CertificatesBundle {
  if (ca) return {};
  const rotated = new Set(components.flatMap((component) => certificatesOf[component] ?? []));
  const keeps = (name: string) =>
    name in authorities ||
    name === "kube-service-account-token" ||
    (components.length > 0 && !rotated.has(name.replace(/^(kube-etcd)-.*/, "$1")));
  return Object.fromEntries(Object.entries(bundle).filter(([name]) => keeps(name)));
}

/** Which certificates belong to which component. */
export const certificatesOf: Readonly<Record<string, readonly string[]>> = {
  etcd: ["kube-etcd"],
  kubelet: ["kube-node"],
  "kube-apiserver": ["kube-apiserver"],
  "kube-proxy": ["kube-proxy"],
  "kube-scheduler": ["kube-scheduler"],
  "kube-controller-manager": ["kube-controller-manager"],
};

function requestsOf(file: ClusterFile): Record<string, CertificateRequest> {
  const masters = file.nodes.filter((node) => node.role.includes("controlplane"));
  const hosts = masters.flatMap((node) => [node.address, node.internal_address, node.hostname_override]);
  const [a, b, c] = file.serviceCidr.split(".");
  const names = [
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
    "127.0.0.1",
    `${a}.${b}.${c}.1`,
    ...hosts,
    ...file.sans,
  ];
  const requests: Record<string, CertificateRequest> = {
    "kube-apiserver": { commonName: "system:kube-apiserver", names: [...new Set(names)] },
    "kube-service-account-token": { commonName: "kube-service-account-token" },
    "kube-controller-manager": { commonName: "system:kube-controller-manager" },
    "kube-scheduler": { commonName: "system:kube-scheduler" },
    "kube-proxy": { commonName: "system:kube-proxy" },
    "kube-node": { commonName: "system:node", organization: "system:nodes" },
    "kube-admin": { commonName: "kube-admin", organization: "system:masters" },
  };
  for (const node of file.nodes) {
    if (!node.role.includes("etcd")) continue;
    const name = `kube-etcd-${node.internal_address.replace(/[.:]/g, "-")}`;
    requests[name] = {
      commonName: "system:kube-etcd",
      names: [node.internal_address, node.address, "127.0.0.1"],
    };
  }
  return requests;
}

function hasNames(present: BundleEntry, request: CertificateRequest): boolean {
  if (!request.names) return true;
  const listed = new X509Certificate(present.certificatePEM).subjectAltName ?? "";
  const has = new Set(listed.split(", ").map((name) => name.replace(/^(DNS|IP Address):/, "").toLowerCase()));
  return request.names.every((name) => has.has(name.toLowerCase()));
}

function entry(name: string, request: CertificateRequest, pair: KeyPair): BundleEntry {
  const envName = name.toUpperCase().replaceAll("-", "_");
  const path = `/etc/kubernetes/ssl/${name}`;
  return {
    certificatePEM: pair.certPem,
    keyPEM: pair.keyPem,
    config: "",
    name,
    commonName: request.commonName,
    ouName: request.organization ?? "",
    envName,
    path: `${path}.pem`,
    keyEnvName: `${envName}_KEY`,
    keyPath: `${path}-key.pem`,
  };
}

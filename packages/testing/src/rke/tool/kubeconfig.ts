import { stringify } from "yaml";
import type { CertificatesBundle } from "../certificates/bundle.js";
import type { ClusterFile } from "./cluster-file.js";

/** The administrator's kubeconfig, with the address at which RKE reached the first control plane node. */
export function adminKubeconfig(file: ClusterFile, bundle: CertificatesBundle): string {
  const master = file.nodes.find((node) => node.role.includes("controlplane"));
  const base64 = (text: string | undefined) => Buffer.from(text ?? "").toString("base64");
  const user = `kube-admin-${file.clusterName}`;
  return stringify(
    {
      apiVersion: "v1",
      kind: "Config",
      clusters: [
        {
          cluster: {
            "api-version": "v1",
            "certificate-authority-data": base64(bundle["kube-ca"]?.certificatePEM),
            server: `https://${master?.address}:6443`,
          },
          name: file.clusterName,
        },
      ],
      contexts: [{ context: { cluster: file.clusterName, user }, name: file.clusterName }],
      "current-context": file.clusterName,
      users: [
        {
          name: user,
          user: {
            "client-certificate-data": base64(bundle["kube-admin"]?.certificatePEM),
            "client-key-data": base64(bundle["kube-admin"]?.keyPEM),
          },
        },
      ],
    },
    { lineWidth: 0 },
  );
}

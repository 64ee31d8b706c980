/** The images of one Kubernetes version, as RKE's metadata has them. */
export interface SystemImages {
  readonly kubernetes: string;
  readonly etcd: string;
  readonly tools: string;
  readonly flannel: string;
  readonly ingress: string;
}

/** Versions that the emulated RKE knows; the last one is its default. */
export const knownVersions: readonly string[] = [
  "v1.27.16-rancher1-1",
  "v1.28.14-rancher1-1",
  "v1.29.9-rancher1-1",
  "v1.30.5-rancher1-1",
];

/** The images of a `kubernetes_version` such as `v1.30.5-rancher1-1`; `undefined` for an unknown one. */
export function imagesOf(version: string): SystemImages | undefined {
  if (!knownVersions.includes(version)) return undefined;
  return {
    kubernetes: `rancher/hyperkube:${version.replace(/-\d+$/, "")}`,
    etcd: "rancher/mirrored-coreos-etcd:v3.5.12",
    tools: "rancher/rke-tools:v0.1.103",
    flannel: "rancher/mirrored-flannel-flannel:v0.25.1",
    ingress: "rancher/nginx-ingress-controller:nginx-1.11.2-rancher1",
  };
}

/** Whether the emulated registry has an image. */
export function isInRegistry(image: string): boolean {
  return knownVersions.some((version) => Object.values(imagesOf(version) ?? {}).includes(image));
}

/** The plain Kubernetes version of an image such as `rancher/hyperkube:v1.30.5-rancher1`. */
export function kubernetesVersionOf(image: string): string {
  return /:(v\d+\.\d+\.\d+)/.exec(image)?.[1] ?? "v0.0.0";
}

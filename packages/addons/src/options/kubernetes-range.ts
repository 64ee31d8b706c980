import type { ClusterFacts, Problem } from "@multicloud/core/plugin";

/** Kubernetes releases that a built-in manifest's makers support, as minor versions of 1. */
export interface SupportedKubernetes {
  /** For people, for example `cert-manager 1.21`. */
  readonly release: string;
  readonly from: number;
  readonly to: number;
  /** The option that takes the manifest of another release. */
  readonly option: string;
}

/** A warning when the cluster is older or newer than that. An engine that does not tell its version gets none. */
export function kubernetesRange(supported: SupportedKubernetes, { kubernetes }: ClusterFacts): Problem[] {
  const [, minor] = kubernetes?.match(/^1\.(\d+)\./) ?? [];
  if (minor === undefined || (Number(minor) >= supported.from && Number(minor) <= supported.to)) return [];
  return [
    {
      path: supported.option,
      message: `is not given, and ${supported.release} is made for Kubernetes 1.${supported.from} to 1.${supported.to}; the engine's is ${kubernetes}`,
      hint: "give that of a release that is made for it, or choose another version or engine",
    },
  ];
}

import type { AddonContext } from "@multicloud/core/plugin";

const isDefault = "ingressclass.kubernetes.io/is-default-class";

/**
 * The Ingress class to use: the given one; else the cluster's default class; else the only one there is (RKE1 and
 * RKE2 before 1.36 bring `nginx`, newer ones and k3s `traefik`); else `traefik`, which an Ingress may name before it
 * is there.
 */
export async function ingressClass(context: AddonContext, given: string | undefined): Promise<string> {
  if (given !== undefined) return given;
  const classes = await context.kubernetes.list(
    { apiVersion: "networking.k8s.io/v1", kind: "IngressClass" },
    { signal: context.signal },
  );
  const marked = classes.find(({ metadata }) => metadata.annotations?.[isDefault] === "true");
  const only = classes.length === 1 ? classes[0] : undefined;
  return (marked ?? only)?.metadata.name ?? "traefik";
}

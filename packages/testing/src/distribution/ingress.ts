import type { ConfigFile } from "./config-file.js";
import type { Flavour } from "./flavour.js";

/** What answers on 80 and 443 of the nodes. */
export type IngressController = "traefik" | "ingress-nginx" | "none";

/** IngressClass and controller of each. */
export const ingressClasses = {
  traefik: ["traefik", "traefik.io/ingress-controller"],
  "ingress-nginx": ["nginx", "k8s.io/ingress-nginx"],
} as const;

/**
 * What a new cluster gets. K3s has Traefik unless it is disabled; RKE2 has Traefik from 1.36 on and ingress-nginx
 * before (rancher/rke2#10037), unless `ingress-controller` says otherwise. Of several the first one counts here.
 */
export function ingressOf(flavour: Flavour, version: string, config: ConfigFile): IngressController {
  const disabled = config.list("disable");
  if (flavour.name === "k3s") return disabled.includes("traefik") ? "none" : "traefik";
  const minor = Number(/^v1\.(\d+)\./.exec(version)?.[1]);
  const [wanted = minor < 36 ? "ingress-nginx" : "traefik"] = config.list("ingress-controller");
  return wanted === "traefik" || (wanted === "ingress-nginx" && !disabled.includes("rke2-ingress-nginx"))
    ? wanted
    : "none";
}

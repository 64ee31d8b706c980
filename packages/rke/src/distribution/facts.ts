import type { ClusterFacts } from "@multicloud/core/plugin";
import type { Distribution } from "./distribution.js";
import type { ConfigValue, DistributionSettings } from "./options.js";
import { parseVersion } from "./versions.js";

/** What a cluster of these settings has by itself. */
export function distributionFacts(distribution: Distribution, settings: DistributionSettings): ClusterFacts {
  const version = parseVersion(distribution, settings.version);
  if (!version) return {};
  const { server } = settings;
  const [major, minor, patch] = version;
  const disabled = words(server.disable);
  const wanted = server["ingress-controller"];
  const ingress =
    distribution.name === "k3s" ? ["traefik"] : wanted === undefined ? [rke2Default(minor)] : words(wanted);
  return {
    kubernetes: `${major}.${minor}.${patch}`,
    ingress: ingress
      .filter((name) => name !== "none" && !disabled.includes(name) && !disabled.includes(`rke2-${name}`))
      .map((name) => (name === "ingress-nginx" ? "nginx" : name)),
  };
}

/** docs.rke2.io, "Networking Services": Traefik is the default of new clusters from v1.36 on. */
const rke2Default = (minor: number) => (minor >= 36 ? "traefik" : "ingress-nginx");

/** Values are as the user gave them; check() complains of wrong ones. */
const words = (value: ConfigValue | undefined): readonly string[] =>
  Array.isArray(value) ? value : String(value ?? "").split(",");

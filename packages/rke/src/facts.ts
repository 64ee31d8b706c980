import type { ClusterFacts } from "@multicloud/core/plugin";
import type { Settings } from "./options.js";

/** What an RKE cluster has by itself. */
export function rkeFacts({ version, config }: Settings): ClusterFacts {
  const kubernetes = /^v(\d+\.\d+\.\d+)/.exec(version)?.[1];
  const { provider = "nginx", network_mode: mode, http_port = 80, https_port = 443 } = config?.ingress ?? {};
  // With the mode `none` it has a Service of the cluster only.
  const takesPorts = provider !== "none" && mode !== "none" && (http_port === 80 || https_port === 443);
  return {
    ...(kubernetes === undefined ? {} : { kubernetes }),
    ingress: takesPorts ? [provider] : [],
  };
}

import type { ConnectOptions, KubernetesApi } from "./types.js";

/**
 * Opens a client for the API server of a kubeconfig document (YAML). The client's code is loaded here, not
 * when this package is imported; no connection is made before the first call.
 *
 * Client certificates, tokens, basic authentication, `exec` plugins and OIDC work as for kubectl; `exec` and
 * file entries run and read what the kubeconfig names.
 *
 * @throws KubernetesError `CONFIG_INVALID` when the kubeconfig cannot be used
 */
export async function connect(kubeconfig: string, options: ConnectOptions = {}): Promise<KubernetesApi> {
  const { createClient } = await import("./client/client.js");
  return createClient(kubeconfig, options);
}

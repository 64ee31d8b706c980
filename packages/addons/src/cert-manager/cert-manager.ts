import { type Addon, type AddonContext, MulticloudError, poll } from "@multicloud/core/plugin";
import { loadManifest } from "../manifest/load.js";
import { ingressClass } from "../options/ingress-class.js";
import { defaultIssuer } from "../options/tls.js";
import { waitFor } from "../options/wait.js";
import { issuerObjects } from "./issuer.js";
import { type CertManagerOptions, checkCertManager } from "./options.js";

const namespace = "cert-manager";

/** Made by cert-manager's release job and in no repository, so there is no checksum that could be built in; see the README. */
export const certManagerRelease = {
  url: "https://github.com/cert-manager/cert-manager/releases/download/v1.21.1/cert-manager.yaml",
};

/**
 * cert-manager 1.21.1 (Kubernetes 1.33 to 1.36) with a ClusterIssuer for Let's Encrypt. Its webhook is
 * waited for before the issuer is applied: until it answers, the API server refuses every issuer. Ready when
 * the issuer has its account.
 */
export function certManager(options: CertManagerOptions): Addon {
  return {
    specVersion: "v1",
    name: "cert-manager",
    // Whose Ingress class answers HTTP-01.
    after: ["traefik"],
    check: async (_context, _nodes, cluster) => checkCertManager(options, cluster),
    apply: (context) => apply(context, options),
  };
}

async function apply(context: AddonContext, options: CertManagerOptions): Promise<void> {
  const timeoutMs = options.timeoutMs ?? 600_000;
  const objects = await loadManifest(context, "cert-manager", options, certManagerRelease);
  await context.kubernetes.apply(objects, { signal: context.signal });
  for (const name of ["cert-manager", "cert-manager-cainjector", "cert-manager-webhook"])
    await waitFor(context, { apiVersion: "apps/v1", kind: "Deployment", name, namespace }, timeoutMs);
  await applyIssuer(context, options, timeoutMs);
  const name = options.issuer ?? defaultIssuer;
  await waitFor(context, { apiVersion: "cert-manager.io/v1", kind: "ClusterIssuer", name }, timeoutMs);
}

/**
 * A ready pod is not yet an answering webhook: the API server trusts it only once cainjector has put the CA
 * into the webhook's configuration. Applying is idempotent, so the issuer itself is the probe.
 */
async function applyIssuer(
  context: AddonContext,
  options: CertManagerOptions,
  timeoutMs: number,
): Promise<void> {
  const objects = issuerObjects(options, await ingressClass(context, options.ingressClass));
  let told = "";
  await poll({
    what: "cert-manager's webhook to answer",
    intervalMs: options.pollIntervalMs ?? 250,
    timeoutMs,
    signal: context.signal,
    hint: `look at the logs: kubectl --namespace ${namespace} logs deployment/cert-manager-webhook`,
    async check(signal) {
      try {
        await context.kubernetes.apply(objects, { signal });
        return true;
      } catch (error) {
        if (!isWebhookSilent(error)) throw error;
        if (error.message !== told) context.report({ type: "log", level: "debug", message: error.message });
        told = error.message;
        return undefined;
      }
    },
  });
}

function isWebhookSilent(error: unknown): error is MulticloudError {
  return (
    MulticloudError.isInstance(error) &&
    error.status === 500 &&
    error.message.includes("failed calling webhook")
  );
}

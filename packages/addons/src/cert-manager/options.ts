import type { CheckResult, ClusterFacts, Problem } from "@multicloud/core/plugin";
import type { ManifestOptions } from "../manifest/source.js";
import { kubernetesRange } from "../options/kubernetes-range.js";
import {
  emailProblems,
  hostProblems,
  labelProblems,
  manifestProblems,
  unknownKeys,
} from "../options/problems.js";

/** Proves a name by a record in its zone at Cloudflare; needed for wildcard names and where port 80 is closed. */
export interface CloudflareDns01 {
  /** API token with Zone.DNS edit for the zones. Kept in a Secret of the namespace `cert-manager`. */
  readonly token: string;
  /** Zones to prove this way. Default: all names. */
  readonly zones?: readonly string[];
}

/** Options of {@link certManager}. */
export interface CertManagerOptions extends ManifestOptions {
  /** Told by the certificate authority before a certificate ends. */
  readonly email: string;
  /** Let's Encrypt's `production` (the default), its `staging` (no rate limits, certificates nobody trusts), or the directory URL of another ACME server. */
  readonly server?: string;
  /** Name of the ClusterIssuer. Default `letsencrypt`. */
  readonly issuer?: string;
  /** Class of the Ingress that answers HTTP-01. Default: the cluster's own, see the README. */
  readonly ingressClass?: string;
  /** DNS-01 at Cloudflare, besides HTTP-01 when it has `zones`, else instead of it. */
  readonly cloudflare?: CloudflareDns01;
  /** How long to wait for each part, in milliseconds. Default 10 minutes. */
  readonly timeoutMs?: number;
  /** Time between two tries while the webhook does not answer, in milliseconds. Default 250. */
  readonly pollIntervalMs?: number;
}

const keys = [
  "manifest",
  "fetch",
  "email",
  "server",
  "issuer",
  "ingressClass",
  "cloudflare",
  "timeoutMs",
  "pollIntervalMs",
] as const satisfies readonly (keyof CertManagerOptions)[];

/** Directory URLs of Let's Encrypt (letsencrypt.org/docs/acme-protocol-updates). */
const directories: Readonly<Record<string, string>> = {
  production: "https://acme-v02.api.letsencrypt.org/directory",
  staging: "https://acme-staging-v02.api.letsencrypt.org/directory",
};

/** The directory URL that `server` means. */
export function directoryOf(server = "production"): string {
  return directories[server] ?? server;
}

/** What the built-in release supports (cert-manager.io, "Supported Releases"). */
const supported = { release: "cert-manager 1.21", from: 33, to: 36, option: "manifest" };

/** What is wrong with the options, or does not fit the cluster. */
export function checkCertManager(options: CertManagerOptions, cluster: ClusterFacts): CheckResult {
  const { server, cloudflare } = options;
  const problems: Problem[] = [
    ...unknownKeys(options, keys),
    ...manifestProblems(options.manifest),
    ...emailProblems("email", options.email),
    ...labelProblems("issuer", options.issuer),
    ...labelProblems("ingressClass", options.ingressClass),
  ];
  if (
    server !== undefined &&
    !(server in directories) &&
    !(/^https:\/\//.test(server) && URL.canParse(server))
  )
    problems.push({
      path: "server",
      message: "is neither of Let's Encrypt's nor an https URL",
      given: server,
      allowed: Object.keys(directories),
    });
  if (cloudflare) {
    problems.push(...unknownKeys(cloudflare, ["token", "zones"], "cloudflare"));
    if (typeof cloudflare.token !== "string" || cloudflare.token.trim() === "")
      problems.push({
        path: "cloudflare.token",
        message: "is empty",
        hint: "an API token with Zone.DNS edit",
      });
    for (const [index, zone] of (cloudflare.zones ?? []).entries())
      problems.push(...hostProblems(`cloudflare.zones[${index}]`, zone));
  }
  return { problems, warnings: options.manifest === undefined ? kubernetesRange(supported, cluster) : [] };
}

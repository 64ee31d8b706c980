import {
  type EngineContext,
  MulticloudError,
  type OperationNodes,
  type OperationResult,
  type Problem,
} from "@multicloud/core/plugin";
import type { Settings } from "../options.js";
import { openClusterRun } from "../run/cluster-run.js";
import { probeAll } from "../run/probe.js";
import { forgetPending, notePending, readPending } from "../state/pending.js";
import { requireAll } from "./nodes.js";
import { requireState } from "./require-state.js";

/** Components whose certificates can be rotated alone. Source: RKE `cmd/cert.go`. */
export const rotatable = [
  "etcd",
  "kubelet",
  "kube-apiserver",
  "kube-proxy",
  "kube-scheduler",
  "kube-controller-manager",
] as const;

/** Options of rotating certificates. */
export interface RotateCertificatesOptions {
  /** Components to rotate. Default: all. */
  readonly services?: readonly (typeof rotatable)[number][];
  /** Make new certificate authorities too, and with them all certificates. Every kubeconfig that was given away is worthless afterwards. Default false. */
  readonly ca?: boolean;
}

/** What was rotated. */
export interface RotatedCertificates {
  /** SHA-256 fingerprint of the cluster's authority. */
  readonly authority: string;
  /** False with the authority that was there before. */
  readonly newAuthority: boolean;
}

/** What is wrong with the options, before anything is done. */
export function rotationProblems({ services, ca }: RotateCertificatesOptions): Problem[] {
  const problems: Problem[] = [];
  const allowed: readonly string[] = rotatable;
  (services ?? []).forEach((service, index) => {
    if (allowed.includes(service)) return;
    problems.push({
      path: `services[${index}]`,
      message: "has no certificates of its own",
      given: String(service),
      allowed,
    });
  });
  if (ca && services?.length)
    problems.push({ path: "services", message: "are all rotated with the authority: leave them out" });
  return problems;
}

/**
 * `rke cert rotate`: new certificates, deployed to all nodes, whose components are restarted. The new state
 * goes to all nodes. It runs only on a cluster that is as the configuration says, because RKE would apply
 * everything else too.
 *
 * @throws MulticloudError `CONFLICT` when the configuration has changes that were not applied
 */
export async function rotateCertificates(
  settings: Settings,
  context: EngineContext,
  nodes: OperationNodes,
  { services = [], ca = false }: RotateCertificatesOptions,
): Promise<OperationResult<RotatedCertificates>> {
  const all = requireAll(nodes, "they would be left with certificates that the others do not trust");
  await probeAll(all, context.signal);
  const run = await openClusterRun(settings, context, all);
  const recovered = await run.recover();
  const before = await requireState(run);
  const applied = recovered ?? (await run.files.applied());
  // A rotation that was cut off has taken back what was applied; repeating it is right.
  const pending = await readPending(run.files);
  if (applied?.digest !== run.digest && pending?.digest !== run.digest) {
    throw new MulticloudError("the configuration has changes that were not applied to the cluster", {
      code: "CONFLICT",
      service: "rke",
      hint: "run up() first, then rotate the certificates",
    });
  }
  await notePending(run.files, "cert rotate", run.digest);
  await run.begin(recovered);
  const args = ["cert", "rotate", ...(ca ? ["--rotate-ca"] : [])];
  await run.rke([...args, ...services.flatMap((service) => ["--service", service])], {
    attempts: settings.attempts,
  });
  const kubeconfig = await run.finish();
  await forgetPending(run.files);
  const { caFingerprint: authority } = await requireState(run);
  return { value: { authority, newAuthority: authority !== before.caFingerprint }, kubeconfig };
}

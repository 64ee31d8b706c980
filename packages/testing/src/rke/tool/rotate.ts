import { certificatesOf, completeBundle, withoutRotated } from "../certificates/bundle.js";
import { filesOf, readClusterFile } from "./cluster-file.js";
import type { CommandLine } from "./command.js";
import { Fatal, type Log, type ToolCall } from "./run.js";
import { readStateFile, statePart, writeToolFile } from "./state-file.js";
import { buildCluster } from "./up.js";

/** `rke cert rotate`: new certificates of some or all components, of the authorities too when asked for. */
export async function rotateCertificates(call: ToolCall, line: CommandLine, log: Log): Promise<void> {
  const components = line.values.get("service") ?? [];
  const unknown = components.find((component) => !certificatesOf[component]);
  if (unknown !== undefined) throw new Fatal(`unknown component: ${unknown}`);
  await log.info("Initiating Kubernetes cluster");
  await log.info("Rotating Kubernetes cluster certificates");
  const paths = filesOf(call.cwd, line.config);
  const file = await readClusterFile(paths.config);
  const before = await readStateFile(paths.state);
  const known = before?.currentState.certificatesBundle;
  if (!before || !known) throw new Fatal("Failed to rotate certificates: can't find old certificates");
  const withCa = line.flags.has("rotate-ca");
  if (withCa) await log.info("[certificates] Generating CA kubernetes certificates");
  const bundle = await completeBundle(file, withoutRotated(known, components, withCa));
  // The state is written before anything is deployed, so that a run that is cut off can go on with it.
  const desiredState = statePart(file, bundle);
  const { currentState } = before;
  await writeToolFile(call, paths.state, JSON.stringify({ desiredState, currentState }, null, 2));
  await log.info("Rebuilding Kubernetes cluster with rotated certificates");
  if (withCa)
    call.clusters.renewCertificateAuthority(
      known["kube-ca"]!.certificatePEM,
      bundle["kube-ca"]!.certificatePEM,
    );
  await buildCluster(call, log, { line, paths, file, bundle, currentState });
}

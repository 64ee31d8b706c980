import type { EngineContext, EngineNode, EngineResult } from "@multicloud/core/plugin";
import type { Settings } from "./options.js";
import { openClusterRun } from "./run/cluster-run.js";
import { probeAll } from "./run/probe.js";
import { forgetPending } from "./state/pending.js";

/** Makes the cluster have exactly these nodes; runs nothing when it has. */
export async function upRke(
  settings: Settings,
  context: EngineContext,
  given: readonly EngineNode[],
): Promise<EngineResult> {
  const [run] = await Promise.all([
    openClusterRun(settings, context, given),
    probeAll(given, context.signal),
  ]);
  const { files } = run;
  const before = await run.current(await files.applied());
  if (before !== undefined) return { kubeconfig: before, changed: false };
  const recovered = await run.recover();
  const after = await run.current(recovered);
  if (recovered && after !== undefined) return { kubeconfig: after, changed: await run.note(recovered) };
  await run.begin(recovered);
  await run.rke(["up"], { attempts: settings.attempts });
  const kubeconfig = await run.finish();
  await forgetPending(files);
  return { kubeconfig, changed: true };
}

import type { Addon, AddonContext, KubernetesObject, ObjectReference } from "@multicloud/core/plugin";
import { loadManifest } from "../manifest/load.js";
import { waitFor } from "../options/wait.js";
import { applyChart } from "./helm-chart.js";
import { type AddonOptions, checkAddon } from "./options.js";

const rolledOut = new Set(["Deployment", "DaemonSet", "StatefulSet", "Job"]);

/**
 * Your own addon: objects, manifests, a Helm chart, a function, or all of them. Applied server-side with strict
 * validation, so that a misspelt field is refused, and waited for.
 */
export function addon(options: AddonOptions): Addon {
  return {
    specVersion: "v1",
    name: options.name,
    ...(options.after ? { after: options.after } : {}),
    ...(options.prepare ? { prepare: options.prepare } : {}),
    check: async () => checkAddon(options),
    apply: (context) => apply(context, options),
  };
}

async function apply(context: AddonContext, options: AddonOptions): Promise<void> {
  const timeoutMs = options.timeoutMs ?? 600_000;
  const objects: KubernetesObject[] = [...(options.objects ?? [])];
  for (const manifest of options.manifests ?? [])
    objects.push(
      ...(await loadManifest(context, options.name, options.fetch ? { fetch: options.fetch } : {}, manifest)),
    );
  if (objects.length > 0)
    await context.kubernetes.apply(objects, { signal: context.signal, force: options.force === true });
  if (options.chart) await applyChart(context, options.name, options.chart, timeoutMs);
  await options.apply?.(context);
  for (const reference of options.waitFor ?? workloads(objects)) await waitFor(context, reference, timeoutMs);
}

function workloads(objects: readonly KubernetesObject[]): ObjectReference[] {
  return objects
    .filter(({ kind }) => rolledOut.has(kind))
    .map(({ apiVersion, kind, metadata: { name, namespace = "default" } }) => ({
      apiVersion,
      kind,
      name,
      namespace,
    }));
}

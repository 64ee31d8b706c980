import { type AddonContext, type KubernetesObject, MulticloudError, poll } from "@multicloud/core/plugin";
import { stringify } from "yaml";
import { waitFor } from "../options/wait.js";
import type { HelmChartOptions } from "./options.js";

const namespace = "kube-system";
const definition = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  name: "helmcharts.helm.cattle.io",
};
// A server of RKE2 or k3s defines its kinds some seconds after its API answers.
const definitionMs = 120_000;
// The controller begins a new Job for a change within moments; a change that Helm does not see makes none.
const settleMs = 15_000;

/**
 * Has the Helm controller install a chart, and waits until it has.
 *
 * @throws MulticloudError `ADDON_FAILED` when the cluster has no Helm controller, before anything is written
 */
export async function applyChart(
  context: AddonContext,
  name: string,
  chart: HelmChartOptions,
  timeoutMs: number,
): Promise<void> {
  const { kubernetes, signal } = context;
  await requireController(context, name, chart);
  const job = { apiVersion: "batch/v1", kind: "Job", name: `helm-install-${name}`, namespace };
  const before = (await kubernetes.get(job, { signal }))?.metadata.uid;
  const [result] = await kubernetes.apply([helmChart(name, chart)], { signal });
  if (result?.changed === true && before !== undefined) await nextJob(context, job, before);
  // The first Job comes when the controller has seen the chart: a wait knows that.
  await waitFor(context, job, timeoutMs);
}

function helmChart(name: string, chart: HelmChartOptions): KubernetesObject {
  return {
    apiVersion: "helm.cattle.io/v1",
    kind: "HelmChart",
    metadata: { name, namespace, labels: { "app.kubernetes.io/managed-by": "multicloud" } },
    spec: {
      chart: chart.chart,
      ...(chart.repo === undefined ? {} : { repo: chart.repo }),
      ...(chart.version === undefined ? {} : { version: chart.version }),
      targetNamespace: chart.namespace,
      createNamespace: true,
      failurePolicy: chart.failurePolicy ?? "abort",
      ...(chart.values === undefined
        ? {}
        : { valuesContent: stringify(chart.values, { aliasDuplicateObjects: false }) }),
    },
  };
}

async function requireController(
  context: AddonContext,
  name: string,
  chart: HelmChartOptions,
): Promise<void> {
  const { kubernetes, signal } = context;
  if (await kubernetes.get(definition, { signal })) return;
  const nodes = await kubernetes.nodes({ signal });
  // The version tells the distribution: v1.35.7+rke2r1, v1.35.6+k3s1.
  if (!nodes.some(({ version }) => /\+(rke2|k3s)/.test(version)))
    throw new MulticloudError(
      `${name}: the chart ${chart.chart} cannot be installed: this cluster has no Helm controller`,
      {
        code: "ADDON_FAILED",
        hint: "RKE2 and k3s bring one. On RKE1 render the chart with `helm template` and give the result as `manifests`",
      },
    );
  await poll({
    what: "the cluster to define HelmChart",
    intervalMs: 1_000,
    timeoutMs: definitionMs,
    signal,
    hint: "is the Helm controller switched off (disable-helm-controller)?",
    check: (looking) => kubernetes.get(definition, { signal: looking }),
  });
  await waitFor(context, definition, definitionMs);
}

/** The Job of the last installation is complete: only the next one tells how this one went. */
async function nextJob(
  context: AddonContext,
  job: Parameters<typeof waitFor>[1],
  before: unknown,
): Promise<void> {
  const since = Date.now();
  await poll({
    what: "the Helm controller to see the change",
    intervalMs: 500,
    timeoutMs: settleMs * 2,
    signal: context.signal,
    async check(signal) {
      const present = await context.kubernetes.get(job, { signal });
      const isNext = present !== undefined && present.metadata.uid !== before;
      return isNext || Date.now() - since >= settleMs ? true : undefined;
    },
  });
}

import { type ApiObject, fields } from "../api-object.js";
import type { ControllerParts } from "./controller-manager.js";

const configuration = "helmcharts.helm.cattle.io/config";

/**
 * The Helm controller of RKE2 and k3s, as far as one waits for it: each HelmChart gets a Job `helm-install-<name>`,
 * and another one of that name when the chart's settings change. What the chart would bring is left out.
 */
export function reconcileHelmCharts({ store }: ControllerParts): void {
  for (const chart of store.all("helm.cattle.io/v1", "HelmChart")) {
    const { name: chartName, namespace = "kube-system" } = chart.metadata;
    const name = `helm-install-${chartName}`;
    const wanted = JSON.stringify(chart.spec);
    const present = store.find("batch/v1", "Job", namespace, name);
    if (present?.metadata.annotations?.[configuration] === wanted) continue;
    // A Job cannot be changed.
    if (present) store.remove(present);
    store.create({
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: { name, namespace, annotations: { [configuration]: wanted } },
      spec: {
        completions: 1,
        parallelism: 1,
        template: {
          metadata: { labels: { "helmcharts.helm.cattle.io/chart": chartName } },
          spec: {
            restartPolicy: "OnFailure",
            containers: [{ name: "helm", image: "rancher/klipper-helm:v0.9.8", args: ["install"] }],
          },
        },
      },
    } as ApiObject);
    store.modify(chart, (draft) => {
      draft.status = { ...fields(draft.status), jobName: name };
    });
  }
}

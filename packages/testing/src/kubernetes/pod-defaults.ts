import { type Fields, fields, fieldsList, isFields } from "./api-object.js";

/** What kube-apiserver fills into a pod, or into the template of one (API reference, "Pod"; compared with v1.36). */
export function setPodDefaults(spec: Fields): void {
  fill(spec, {
    restartPolicy: "Always",
    terminationGracePeriodSeconds: 30,
    dnsPolicy: "ClusterFirst",
    securityContext: {},
    schedulerName: "default-scheduler",
    // The older name of the field is kept equal.
    serviceAccount: spec.serviceAccountName,
  });
  for (const container of [...fieldsList(spec.initContainers), ...fieldsList(spec.containers)])
    setContainerDefaults(container);
  for (const volume of fieldsList(spec.volumes)) {
    for (const source of ["configMap", "secret", "projected", "downwardAPI"])
      if (isFields(volume[source])) fill(volume[source], { defaultMode: 420 });
    if (isFields(volume.hostPath)) fill(volume.hostPath, { type: "" });
  }
}

function setContainerDefaults(container: Fields): void {
  const image = String(container.image ?? "");
  const tag = /:([^:/@]+)$/.exec(image.split("@")[0] ?? "")?.[1];
  const isLatest = !image.includes("@") && (tag === undefined || tag === "latest");
  fill(container, {
    resources: {},
    terminationMessagePath: "/dev/termination-log",
    terminationMessagePolicy: "File",
    imagePullPolicy: isLatest ? "Always" : "IfNotPresent",
  });
  for (const port of fieldsList(container.ports)) fill(port, { protocol: "TCP" });
  for (const name of ["livenessProbe", "readinessProbe", "startupProbe"]) {
    const probe = container[name];
    if (!isFields(probe)) continue;
    fill(probe, { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 });
    if (isFields(probe.httpGet)) fill(probe.httpGet, { path: "/", scheme: "HTTP" });
  }
  for (const { valueFrom } of fieldsList(container.env)) {
    const reference = fields(valueFrom).fieldRef;
    if (isFields(reference)) fill(reference, { apiVersion: "v1" });
  }
}

/** Puts values in where there are none. */
export function fill(target: Fields, values: Fields): void {
  for (const [name, value] of Object.entries(values)) {
    if (target[name] === undefined && value !== undefined) target[name] = value;
  }
}

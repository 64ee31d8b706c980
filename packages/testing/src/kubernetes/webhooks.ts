import { type ApiObject, type Fields, fields, fieldsList } from "./api-object.js";
import { webhookUnavailable } from "./api-status.js";
import type { ObjectStore } from "./object-store.js";
import type { ResourceType } from "./resource-type.js";

/**
 * Calls the admission webhooks that a write concerns. The emulated ones let everything pass; what is real is
 * that they must be reachable: a Service with a ready pod behind it, and a CA bundle that fits.
 *
 * @throws ApiError 500 `failed calling webhook …` with the reason a kube-apiserver would give
 */
export function callWebhooks(
  store: ObjectStore,
  type: ResourceType,
  operation: "CREATE" | "UPDATE" | "DELETE",
): void {
  for (const [kind, path] of [
    ["MutatingWebhookConfiguration", "/mutate"],
    ["ValidatingWebhookConfiguration", "/validate"],
  ] as const) {
    for (const configuration of store.all("admissionregistration.k8s.io/v1", kind)) {
      for (const webhook of fieldsList(configuration.webhooks)) {
        if (webhook.failurePolicy !== "Ignore" && concerns(webhook, type, operation))
          call(store, webhook, path);
      }
    }
  }
}

function call(store: ObjectStore, webhook: Fields, defaultPath: string): void {
  const client = fields(webhook.clientConfig);
  const service = fields(client.service);
  const name = String(service.name);
  const namespace = String(service.namespace);
  const port = service.port ?? 443;
  const url = `https://${name}.${namespace}.svc:${port}${service.path ?? defaultPath}?timeout=${webhook.timeoutSeconds ?? 10}s`;
  const refuse = (reason: string) => webhookUnavailable(String(webhook.name), reason);
  const target = store.find("v1", "Service", namespace, name);
  if (!target) throw refuse(`Post "${url}": service "${name}" not found`);
  const ip = fields(target.spec).clusterIP;
  if (readyPods(store, target).length === 0)
    throw refuse(`Post "${url}": dial tcp ${ip}:${port}: connect: connection refused`);
  if (!client.caBundle)
    throw refuse(
      `Post "${url}": tls: failed to verify certificate: x509: certificate signed by unknown authority`,
    );
}

function concerns(webhook: Fields, type: ResourceType, operation: string): boolean {
  return fieldsList(webhook.rules).some((rule) => {
    const has = (name: string, value: string) => {
      const values = Array.isArray(rule[name]) ? (rule[name] as unknown[]) : [];
      return values.includes("*") || values.includes(value);
    };
    const resources = Array.isArray(rule.resources) ? (rule.resources as unknown[]) : [];
    return (
      has("apiGroups", type.group) &&
      has("apiVersions", type.version) &&
      has("operations", operation) &&
      resources.some((resource) => ["*", "*/*", type.plural, `${type.plural}/*`].includes(String(resource)))
    );
  });
}

/** Pods that a Service sends traffic to. */
export function readyPods(store: ObjectStore, service: ApiObject): ApiObject[] {
  const selector = Object.entries(fields(fields(service.spec).selector));
  if (selector.length === 0) return [];
  return store
    .all("v1", "Pod", service.metadata.namespace)
    .filter((pod) => selector.every(([key, value]) => pod.metadata.labels?.[key] === value))
    .filter(isPodReady);
}

export function isPodReady(pod: ApiObject): boolean {
  return (
    pod.metadata.deletionTimestamp === undefined &&
    fieldsList(pod.status?.conditions).some(
      (condition) => condition.type === "Ready" && condition.status === "True",
    )
  );
}

import type { Ask } from "./comparison.js";

/** Requests whose answers must be the same from the emulated API server as from the real one. */
export interface ComparisonCase {
  readonly name: string;
  /** @param namespace exists, is empty and is the case's own */
  play(ask: Ask, namespace: string): Promise<void>;
}

const applyType = "application/apply-patch+yaml";
const mergeType = "application/merge-patch+json";

type Body = Record<string, unknown>;
const meta = (name: string, more: Body = {}) => ({ metadata: { name, ...more } });
const configMap = (name: string, data: Body, more: Body = {}) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  ...meta(name, more),
  data,
});
const container = (name: string, more: Body = {}) => ({ name, image: "example.org/web:1", ...more });
const deployment = (name: string, spec: Body = {}, containers: readonly Body[] = [container("web")]) => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  ...meta(name),
  spec: {
    replicas: 0,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers } },
    ...spec,
  },
});
const service = (name: string, spec: Body) => ({ apiVersion: "v1", kind: "Service", ...meta(name), spec });
const lease = (name: string, spec: Body, more: Body = {}) => ({
  apiVersion: "coordination.k8s.io/v1",
  kind: "Lease",
  ...meta(name, more),
  spec,
});
const storageClass = (name: string, parameters: Body) => ({
  apiVersion: "storage.k8s.io/v1",
  kind: "StorageClass",
  ...meta(name),
  provisioner: "driver.example.com",
  parameters,
});
const widgets = (group: string) => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  ...meta(`widgets.${group}`),
  spec: {
    group,
    scope: "Namespaced",
    names: { plural: "widgets", singular: "widget", kind: "Widget" },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: "object",
            properties: {
              spec: {
                type: "object",
                required: ["size"],
                properties: {
                  size: { type: "integer", minimum: 1 },
                  colour: { type: "string", enum: ["red", "blue"] },
                  tags: { type: "array", items: { type: "string" }, "x-kubernetes-list-type": "set" },
                },
              },
              status: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
            },
          },
        },
      },
    ],
  },
});

const inNamespace = (namespace: string, plural: string, name = "") =>
  `/api/v1/namespaces/${namespace}/${plural}${name && `/${name}`}`;
const inGroup = (group: string, namespace: string, plural: string, name = "") =>
  `/apis/${group}/namespaces/${namespace}/${plural}${name && `/${name}`}`;

export const comparisonCases: readonly ComparisonCase[] = [
  {
    name: "create, read, list and delete",
    async play(ask, namespace) {
      const path = inNamespace(namespace, "configmaps");
      await ask({ method: "POST", path, body: configMap("settings", { a: "1" }) });
      await ask({ method: "POST", path, body: configMap("settings", { a: "2" }) });
      await ask({ method: "GET", path: `${path}/settings` });
      await ask({ method: "GET", path: `${path}?fieldSelector=metadata.name=settings` });
      await ask({ method: "GET", path: `${path}?labelSelector=app=none` });
      await ask({ method: "DELETE", path: `${path}/settings` });
      await ask({ method: "DELETE", path: `${path}/settings` });
      await ask({ method: "GET", path: `${path}/settings` });
    },
  },
  {
    name: "what is not there",
    async play(ask, namespace) {
      for (const path of [
        inNamespace(namespace, "configmaps", "none"),
        inNamespace("no-such-namespace", "configmaps", "none"),
        inNamespace("no-such-namespace", "configmaps"),
        inNamespace(namespace, "gadgets"),
        "/apis/example.org/v1/gadgets",
        "/apis/apps/v2/deployments",
        "/nothing/here",
        "/api/v1/nodes/none",
        inGroup("apps/v1", namespace, "deployments", "none"),
      ])
        await ask({ method: "GET", path });
      await ask({
        method: "POST",
        path: inNamespace("no-such-namespace", "configmaps"),
        body: configMap("a", { a: "1" }),
      });
      await ask({
        method: "PUT",
        path: inNamespace(namespace, "configmaps", "none"),
        body: configMap("none", {}),
      });
      await ask({
        method: "PATCH",
        path: inNamespace(namespace, "configmaps", "none"),
        contentType: mergeType,
        body: { data: { a: "1" } },
      });
    },
  },
  {
    name: "bodies that are no such object",
    async play(ask, namespace) {
      const path = inNamespace(namespace, "configmaps");
      await ask({ method: "POST", path, body: configMap("", {}) });
      await ask({ method: "POST", path, body: { ...configMap("a", { a: "1" }), kind: "ServiceAccount" } });
      await ask({ method: "POST", path, body: { ...configMap("a", { a: "1" }), apiVersion: "v2" } });
      await ask({ method: "POST", path, body: { ...configMap("a", { a: "1" }), kind: undefined } });
      await ask({ method: "POST", path, body: configMap("a", { a: "1" }, { namespace: "default" }) });
      await ask({ method: "POST", path, body: "{" });
      await ask({ method: "POST", path, body: configMap("a", { a: "1" }), contentType: "text/plain" });
      await ask({ method: "PUT", path: `${path}/a`, body: configMap("b", {}) });
      await ask({ method: "PATCH", path: `${path}/a`, body: {}, contentType: "application/json" });
      await ask({ method: "PUT", path, body: configMap("a", { a: "1" }) });
      await ask({ method: "POST", path: `${path}/a`, body: configMap("a", { a: "1" }) });
    },
  },
  {
    name: "names, labels and values that are not allowed",
    async play(ask, namespace) {
      await ask({
        method: "POST",
        path: "/api/v1/namespaces",
        body: { apiVersion: "v1", kind: "Namespace", ...meta("a.b") },
      });
      const path = inNamespace(namespace, "configmaps");
      await ask({ method: "POST", path, body: configMap("Settings", {}) });
      await ask({ method: "POST", path, body: configMap("a", { a: "1" }, { labels: { app: "two words" } }) });
      await ask({ method: "POST", path, body: configMap("a", { a: "1" }, { labels: { "bad key!": "x" } }) });
      await ask({ method: "POST", path, body: configMap("a", { "bad key!": "x" }) });
      await ask({ method: "POST", path, body: configMap("a", { count: 1 }) });
      await ask({ method: "POST", path: inNamespace(namespace, "services"), body: service("s", {}) });
      await ask({
        method: "POST",
        path: inNamespace(namespace, "services"),
        body: service("s", { ports: [{ port: 70_000 }] }),
      });
      await ask({
        method: "POST",
        path: inNamespace(namespace, "services"),
        body: service("1s", { ports: [{ port: 80 }] }),
      });
      const deployments = inGroup("apps/v1", namespace, "deployments");
      await ask({
        method: "POST",
        path: deployments,
        body: deployment("d", { selector: { matchLabels: { app: "other" } } }),
      });
      await ask({ method: "POST", path: deployments, body: deployment("d", {}, []) });
      await ask({ method: "POST", path: deployments, body: deployment("d", {}, [{ name: "web" }]) });
      await ask({ method: "POST", path: deployments, body: deployment("d", { replicas: -1 }) });
      await ask({ method: "POST", path: deployments, body: deployment("d", { replicas: "two" }) });
      const ingress = (spec: Body) => ({
        apiVersion: "networking.k8s.io/v1",
        kind: "Ingress",
        ...meta("i"),
        spec,
      });
      const ingresses = inGroup("networking.k8s.io/v1", namespace, "ingresses");
      const backend = { service: { name: "web", port: { number: 80 } } };
      await ask({ method: "POST", path: ingresses, body: ingress({}) });
      for (const rule of [
        { host: "Not A Host", http: { paths: [{ path: "/", pathType: "Prefix", backend }] } },
        { host: "a.example.com", http: { paths: [{ path: "/", backend }] } },
        { host: "a.example.com", http: { paths: [{ path: "/", pathType: "Anything", backend }] } },
        { host: "a.example.com", http: { paths: [{ path: "x", pathType: "Prefix", backend }] } },
      ])
        await ask({ method: "POST", path: ingresses, body: ingress({ rules: [rule] }) });
    },
  },
  {
    name: "fields that nobody knows: strict, warned of, ignored",
    async play(ask, namespace) {
      const path = inGroup("apps/v1", namespace, "deployments");
      const wrong = { ...deployment("d"), spec: { ...deployment("d").spec, replica: 2 }, specs: {} };
      for (const mode of ["Strict", "Warn", "Ignore", "Odd"])
        await ask({ method: "POST", path: `${path}?dryRun=All&fieldValidation=${mode}`, body: wrong });
      await ask({ method: "POST", path: `${path}?dryRun=All`, body: wrong });
      const map = configMap("settings", { a: "1" });
      await ask({ method: "POST", path: inNamespace(namespace, "configmaps"), body: map });
      const one = inNamespace(namespace, "configmaps", "settings");
      await ask({
        method: "PATCH",
        path: `${one}?fieldValidation=Strict`,
        contentType: mergeType,
        body: { datas: {} },
      });
      await ask({ method: "PUT", path: `${one}?fieldValidation=Strict`, body: { ...map, datas: {} } });
    },
  },
  {
    name: "server-side apply: made, the same again, changed, taken out",
    async play(ask, namespace) {
      const path = `${inNamespace(namespace, "configmaps", "settings")}?fieldManager=us&fieldValidation=Strict`;
      const apply = (data: Body) =>
        ask({
          method: "PATCH",
          path,
          contentType: applyType,
          body: configMap("settings", data, { labels: { app: "x" } }),
        });
      await apply({ a: "1", b: "2" });
      await apply({ a: "1", b: "2" });
      await apply({ a: "3" });
      await apply({});
    },
  },
  {
    name: "server-side apply: who owns a field",
    async play(ask, namespace) {
      const one = inGroup("apps/v1", namespace, "deployments", "web");
      const apply = (manager: string, body: Body, more = "") =>
        ask({ method: "PATCH", path: `${one}?fieldManager=${manager}${more}`, contentType: applyType, body });
      const scaled = { apiVersion: "apps/v1", kind: "Deployment", ...meta("web"), spec: { replicas: 0 } };
      await apply("us", deployment("web", { replicas: 0 }));
      await apply("scaler", { ...scaled, spec: { replicas: 0, progressDeadlineSeconds: 700 } });
      await apply("us", deployment("web", { replicas: 0, progressDeadlineSeconds: 800 }));
      await apply(
        "us",
        deployment("web", { replicas: 0, progressDeadlineSeconds: 800, minReadySeconds: 3 }),
        "&force=true",
      );
      await ask({
        method: "PATCH",
        path: `${one}?fieldManager=hand`,
        contentType: mergeType,
        body: { spec: { minReadySeconds: 5, revisionHistoryLimit: 4 } },
      });
      await apply("us", deployment("web", { replicas: 0, minReadySeconds: 3, revisionHistoryLimit: 3 }));
    },
  },
  {
    name: "server-side apply: refused",
    async play(ask, namespace) {
      const one = inNamespace(namespace, "configmaps", "settings");
      const body = configMap("settings", { a: "1" });
      await ask({ method: "PATCH", path: one, contentType: applyType, body });
      await ask({
        method: "PATCH",
        path: `${one}?fieldManager=us`,
        contentType: applyType,
        body: { ...body, datas: {} },
      });
      await ask({
        method: "PATCH",
        path: `${one}?fieldManager=us`,
        contentType: applyType,
        body: configMap("settings", { a: "1" }, { managedFields: [{ manager: "x" }] }),
      });
      await ask({
        method: "PATCH",
        path: `${one}?fieldManager=us`,
        contentType: applyType,
        body: configMap("settings", { a: "1" }, { resourceVersion: "1" }),
      });
      await ask({
        method: "PATCH",
        path: `${one}?fieldManager=us`,
        contentType: applyType,
        body: configMap("other", {}),
      });
      await ask({
        method: "PATCH",
        path: `${inNamespace("no-such-namespace", "configmaps", "settings")}?fieldManager=us`,
        contentType: applyType,
        body,
      });
      await ask({
        method: "PATCH",
        path: `${one}?fieldManager=us`,
        contentType: applyType,
        body: { ...body, kind: "Secret" },
      });
      await ask({ method: "PATCH", path: `${one}?fieldManager=us&dryRun=All`, contentType: applyType, body });
      await ask({
        method: "PATCH",
        path: `${one}?fieldManager=us&dryRun=Some`,
        contentType: applyType,
        body,
      });
      await ask({ method: "PATCH", path: `${one}?force=true`, contentType: mergeType, body: {} });
    },
  },
  {
    name: "patches",
    async play(ask, namespace) {
      const path = inNamespace(namespace, "configmaps");
      const one = `${path}/settings`;
      await ask({ method: "POST", path, body: configMap("settings", { a: "1", b: "2" }) });
      await ask({ method: "PATCH", path: one, contentType: mergeType, body: { data: { a: null, c: "3" } } });
      await ask({ method: "PATCH", path: one, contentType: mergeType, body: {} });
      const json = "application/json-patch+json";
      await ask({
        method: "PATCH",
        path: one,
        contentType: json,
        body: [{ op: "add", path: "/data/d", value: "4" }],
      });
      await ask({
        method: "PATCH",
        path: one,
        contentType: json,
        body: [{ op: "test", path: "/data/d", value: "5" }],
      });
      await ask({
        method: "PATCH",
        path: one,
        contentType: json,
        body: [{ op: "remove", path: "/data/none" }],
      });
      await ask({
        method: "PATCH",
        path: one,
        contentType: mergeType,
        body: { metadata: { resourceVersion: "1" } },
      });
      await ask({
        method: "PATCH",
        path: one,
        contentType: mergeType,
        body: { metadata: { name: "other" } },
      });
    },
  },
  {
    name: "what cannot be changed",
    async play(ask, namespace) {
      const classes = "/apis/storage.k8s.io/v1/storageclasses";
      const name = `class-${namespace}`;
      await ask({ method: "POST", path: classes, body: storageClass(name, { replicas: "3" }) });
      await ask({
        method: "PATCH",
        path: `${classes}/${name}?fieldManager=us&force=true`,
        contentType: applyType,
        body: storageClass(name, { replicas: "2" }),
      });
      await ask({
        method: "PATCH",
        path: `${classes}/${name}`,
        contentType: mergeType,
        body: { reclaimPolicy: "Retain" },
      });
      await ask({
        method: "PATCH",
        path: `${classes}/${name}`,
        contentType: mergeType,
        body: { volumeBindingMode: "WaitForFirstConsumer" },
      });
      await ask({
        method: "PATCH",
        path: `${classes}/${name}`,
        contentType: mergeType,
        body: { provisioner: "other.example.com" },
      });
      await ask({ method: "DELETE", path: `${classes}/${name}` });
      const deployments = inGroup("apps/v1", namespace, "deployments");
      await ask({ method: "POST", path: deployments, body: deployment("web") });
      await ask({
        method: "PATCH",
        path: `${deployments}/web`,
        contentType: mergeType,
        body: {
          spec: { selector: { matchLabels: { app: "x" } }, template: { metadata: { labels: { app: "x" } } } },
        },
      });
      const secrets = inNamespace(namespace, "secrets");
      const secret = { apiVersion: "v1", kind: "Secret", ...meta("s"), stringData: { a: "text" } };
      await ask({ method: "POST", path: secrets, body: secret });
      await ask({ method: "PATCH", path: `${secrets}/s`, contentType: mergeType, body: { type: "other" } });
      const bindings = inGroup("rbac.authorization.k8s.io/v1", namespace, "rolebindings");
      const role = (of: string) => ({ apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: of });
      const subjects = [{ kind: "ServiceAccount", name: "agent", namespace }];
      const binding = {
        apiVersion: "rbac.authorization.k8s.io/v1",
        kind: "RoleBinding",
        ...meta("b"),
        roleRef: role("a"),
        subjects,
      };
      await ask({ method: "POST", path: bindings, body: binding });
      await ask({
        method: "PATCH",
        path: `${bindings}/b`,
        contentType: mergeType,
        body: { roleRef: role("b") },
      });
    },
  },
  {
    name: "a Lease that two want",
    async play(ask, namespace) {
      const path = inGroup("coordination.k8s.io/v1", namespace, "leases");
      const spec = {
        holderIdentity: "a",
        leaseDurationSeconds: 30,
        renewTime: "2026-11-23T04:00:00.000000Z",
      };
      const made = await ask({ method: "POST", path, body: lease("lock", spec) });
      const { resourceVersion } = (made.body as { metadata: { resourceVersion: string } }).metadata;
      await ask({ method: "POST", path, body: lease("lock", { ...spec, holderIdentity: "b" }) });
      const put = (holder: string, more: Body) =>
        ask({
          method: "PUT",
          path: `${path}/lock`,
          body: lease("lock", { ...spec, holderIdentity: holder }, more),
        });
      await put("b", { resourceVersion });
      await put("c", { resourceVersion });
      await put("c", {});
      await ask({ method: "POST", path, body: lease("other", { ...spec, leaseDurationSeconds: 0 }) });
      await ask({ method: "POST", path, body: lease("other", { ...spec, renewTime: "yesterday" }) });
      const preconditions = { resourceVersion };
      await ask({
        method: "DELETE",
        path: `${path}/lock`,
        body: { apiVersion: "v1", kind: "DeleteOptions", preconditions },
      });
      await ask({ method: "DELETE", path: `${path}/lock` });
    },
  },
  {
    name: "a definition and objects of its kind",
    async play(ask, namespace) {
      const group = `${namespace}.example.com`;
      const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
      const definition = widgets(group);
      await ask({ method: "POST", path: `${definitions}?dryRun=All`, body: definition });
      await ask({ method: "POST", path: definitions, body: { ...definition, ...meta("other.example.com") } });
      await ask({
        method: "PATCH",
        path: `${definitions}/widgets.${group}?fieldManager=us&fieldValidation=Strict`,
        contentType: applyType,
        body: definition,
      });
    },
  },
  {
    name: "deleting",
    async play(ask, namespace) {
      const path = inNamespace(namespace, "configmaps");
      const made = await ask({
        method: "POST",
        path,
        body: configMap("a", { a: "1" }, { finalizers: ["example.com/hold"] }),
      });
      const { uid } = (made.body as { metadata: { uid: string } }).metadata;
      const options = (preconditions: Body) => ({ apiVersion: "v1", kind: "DeleteOptions", preconditions });
      const other = "00000000-0000-0000-0000-000000000000";
      await ask({ method: "DELETE", path: `${path}/a`, body: options({ uid: other }) });
      await ask({ method: "DELETE", path: `${path}/a`, body: options({ resourceVersion: "1" }) });
      await ask({ method: "DELETE", path: `${path}/a`, body: options({ uid }) });
      await ask({ method: "DELETE", path: `${path}/a` });
      await ask({
        method: "PATCH",
        path: `${path}/a`,
        contentType: mergeType,
        body: { metadata: { finalizers: null } },
      });
      await ask({ method: "GET", path: `${path}/a` });
      await ask({ method: "DELETE", path: "/api/v1/namespaces/kube-system" });
      await ask({ method: "DELETE", path: `${path}/a?propagationPolicy=Sideways` });
    },
  },
  {
    name: "lists: pages and selectors",
    async play(ask, namespace) {
      const path = inNamespace(namespace, "secrets");
      for (const name of ["a", "b", "c"])
        await ask({
          method: "POST",
          path,
          body: { apiVersion: "v1", kind: "Secret", ...meta(name, { labels: { app: name } }) },
        });
      await ask({ method: "GET", path: `${path}?labelSelector=app%20in%20(a,b)` });
      await ask({ method: "GET", path: `${path}?labelSelector=app!%3Da` });
      await ask({ method: "GET", path: `${path}?labelSelector=%3D%3D` });
      await ask({ method: "GET", path: `${path}?fieldSelector=metadata.name%3Db` });
      await ask({ method: "GET", path: `${path}?fieldSelector=data.a%3Db` });
      await ask({ method: "GET", path: `${path}?limit=many` });
      await ask({ method: "GET", path: `${path}?continue=nonsense` });
    },
  },
  {
    name: "what is filled in",
    async play(ask, namespace) {
      const probe = { httpGet: { path: "/", port: "http" } };
      await ask({
        method: "POST",
        path: inGroup("apps/v1", namespace, "deployments"),
        body: deployment("web", {}, [
          container("web", { ports: [{ name: "http", containerPort: 8080 }], readinessProbe: probe }),
        ]),
      });
      const template = { metadata: { labels: { app: "x" } }, spec: { containers: [container("web")] } };
      const selector = { matchLabels: { app: "x" } };
      await ask({
        method: "POST",
        path: inGroup("apps/v1", namespace, "daemonsets"),
        body: { apiVersion: "apps/v1", kind: "DaemonSet", ...meta("agent"), spec: { selector, template } },
      });
      await ask({
        method: "POST",
        path: inGroup("apps/v1", namespace, "statefulsets"),
        body: {
          apiVersion: "apps/v1",
          kind: "StatefulSet",
          ...meta("db"),
          spec: { replicas: 0, serviceName: "db", selector, template },
        },
      });
      await ask({
        method: "POST",
        path: inNamespace(namespace, "services"),
        body: service("web", { selector: { app: "x" }, ports: [{ port: 80, targetPort: "http" }] }),
      });
      await ask({
        method: "POST",
        path: inNamespace(namespace, "services"),
        body: service("headless", { clusterIP: "None", ports: [{ port: 80 }] }),
      });
      await ask({
        method: "POST",
        path: inNamespace(namespace, "serviceaccounts"),
        body: { apiVersion: "v1", kind: "ServiceAccount", ...meta("agent") },
      });
      await ask({
        method: "POST",
        path: inGroup("policy/v1", namespace, "poddisruptionbudgets"),
        body: {
          apiVersion: "policy/v1",
          kind: "PodDisruptionBudget",
          ...meta("keep"),
          spec: { minAvailable: 1, selector },
        },
      });
      await ask({
        method: "POST",
        path: inGroup("rbac.authorization.k8s.io/v1", namespace, "roles"),
        body: {
          apiVersion: "rbac.authorization.k8s.io/v1",
          kind: "Role",
          ...meta("reader"),
          rules: [{ apiGroups: [""], resources: ["secrets"], resourceNames: ["a"], verbs: ["get"] }],
        },
      });
    },
  },
];

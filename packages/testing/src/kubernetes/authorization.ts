import { type Fields, fields, fieldsList } from "./api-object.js";
import { forbidden } from "./api-status.js";
import type { ObjectStore } from "./object-store.js";
import type { ApiRequest, RequestUser, Target } from "./request.js";
import { resourceName } from "./resource-type.js";

const rbac = "rbac.authorization.k8s.io/v1";
const discoveryPaths = /^\/(api|apis|version|healthz|livez|readyz|openapi)(\/|$)/;

/** RBAC as kube-apiserver evaluates it. `system:masters` may do everything. Throws a 403 otherwise. */
export function authorize(store: ObjectStore, request: ApiRequest, target: Target | undefined): void {
  const { user } = request;
  if (user.groups.includes("system:masters")) return;
  if (!target) {
    // The role system:discovery, which every authenticated user has.
    if (request.method === "GET" && discoveryPaths.test(request.path)) return;
    throw forbidden(
      `forbidden: User "${user.name}" cannot ${request.method.toLowerCase()} path "${request.path}"`,
    );
  }
  const verb = verbOf(request, target);
  if (rulesFor(store, user, target.namespace).some((rule) => allows(rule, verb, target))) return;
  const { type, name, namespace, subresource } = target;
  const where = namespace === undefined ? "at the cluster scope" : `in the namespace "${namespace}"`;
  const what = subresource ? `${type.plural}/${subresource}` : type.plural;
  throw forbidden(
    `${resourceName(type)}${name === undefined ? "" : ` "${name}"`} is forbidden: User "${user.name}" cannot ${verb} resource "${what}" in API group "${type.group}" ${where}`,
    type,
    name,
  );
}

function verbOf(request: ApiRequest, target: Target): string {
  switch (request.method) {
    case "POST":
      return "create";
    case "PUT":
      return "update";
    case "PATCH":
      return "patch";
    case "DELETE":
      return target.name === undefined ? "deletecollection" : "delete";
    default:
      if (["true", "1"].includes(request.query.get("watch") ?? "")) return "watch";
      return target.name === undefined ? "list" : "get";
  }
}

function rulesFor(store: ObjectStore, user: RequestUser, namespace: string | undefined): Fields[] {
  const clusterWide = store.all(rbac, "ClusterRoleBinding");
  const local = namespace === undefined ? [] : store.all(rbac, "RoleBinding", namespace);
  return [...clusterWide, ...local]
    .filter((binding) => fieldsList(binding.subjects).some((subject) => isSubject(subject, user)))
    .flatMap((binding) => {
      const { kind, name } = fields(binding.roleRef);
      const role = store.find(
        rbac,
        String(kind),
        kind === "Role" ? binding.metadata.namespace : undefined,
        String(name),
      );
      return fieldsList(role?.rules);
    });
}

function isSubject(subject: Fields, user: RequestUser): boolean {
  if (subject.kind === "User") return subject.name === user.name;
  if (subject.kind === "Group") return user.groups.includes(String(subject.name));
  return user.name === `system:serviceaccount:${String(subject.namespace)}:${String(subject.name)}`;
}

function allows(rule: Fields, verb: string, target: Target): boolean {
  const { type, name, subresource } = target;
  const has = (field: string, ...values: string[]) => {
    const given = Array.isArray(rule[field]) ? (rule[field] as unknown[]) : [];
    return given.includes("*") || values.some((value) => given.includes(value));
  };
  const resource = subresource ? `${type.plural}/${subresource}` : type.plural;
  const names = Array.isArray(rule.resourceNames) ? (rule.resourceNames as unknown[]) : [];
  return (
    has("verbs", verb) &&
    has("apiGroups", type.group) &&
    has("resources", resource, ...(subresource ? [`*/${subresource}`] : [])) &&
    (names.length === 0 || names.includes(name))
  );
}

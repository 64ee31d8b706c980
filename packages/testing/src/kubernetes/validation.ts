import { type ApiObject, fields, fieldsList, sameValue } from "./api-object.js";
import { badRequest, type InvalidField, invalid, untypedPatch } from "./api-status.js";
import { apiVersionOf, type ResourceType } from "./resource-type.js";
import { schemaViolations, unknownFields } from "./schema.js";
import { matchesSelector } from "./selectors.js";

const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const label = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const labelValue = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
const labelKinds = new Set(["Namespace"]);
const pathSegmentKinds = new Set(["Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"]);

/** How a request wants unknown fields treated. */
export type FieldValidation = "Ignore" | "Warn" | "Strict";

/** Refuses fields that the kind does not have; drops them when the request does not mind. */
export function checkUnknownFields(
  type: ResourceType,
  object: ApiObject,
  mode: FieldValidation,
  apply: boolean,
): readonly string[] {
  const unknown = unknownFields(object, type.schema);
  if (unknown.length === 0) return [];
  if (apply) {
    // Server-side apply needs the schema to merge, so it refuses whatever the mode is.
    const name = `${object.metadata.namespace ?? ""}/${object.metadata.name}; ${type.group}/${type.version}, Kind=${type.kind}`;
    const problems = unknown.map((path) => `${path}: field not declared in schema`);
    const text =
      problems.length === 1 ? problems[0]! : `errors:\n${problems.map((one) => `  ${one}`).join("\n")}`;
    throw untypedPatch(name, text);
  }
  const quoted = unknown.map((path) => `unknown field "${path.replace(/^\./, "")}"`);
  if (mode === "Strict")
    throw badRequest(
      `${type.kind} in version "${type.version}" cannot be handled as a ${type.kind}: strict decoding error: ${quoted.join(", ")}`,
    );
  return mode === "Warn" ? quoted : [];
}

/** Refuses an object that is not for this path. */
export function checkIdentity(
  type: ResourceType,
  object: ApiObject,
  namespace: string | undefined,
  name: string | undefined,
): void {
  if (object.kind !== type.kind || object.apiVersion !== apiVersionOf(type))
    throw badRequest(
      `the API version in the data (${object.apiVersion}, Kind=${object.kind}) does not match the expected API version (${apiVersionOf(type)}, Kind=${type.kind})`,
    );
  if (name !== undefined && object.metadata.name !== name)
    throw badRequest(
      `the name of the object (${object.metadata.name}) does not match the name on the URL (${name})`,
    );
  if (type.namespaced && (object.metadata.namespace ?? namespace) !== namespace)
    throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
}

/** Refuses what breaks the kind's rules: names, labels, schema, immutable fields. */
export function validate(type: ResourceType, object: ApiObject, live: ApiObject | undefined): void {
  const wrong = [
    ...metadataProblems(type, object),
    ...schemaViolations(withoutMetadata(object), type.schema).map((one) => one satisfies InvalidField),
    ...kindProblems(object),
    ...(live ? immutableProblems(object, live) : []),
  ];
  if (wrong.length > 0) throw invalid(type, object.metadata.name, wrong);
}

function withoutMetadata(object: ApiObject): Record<string, unknown> {
  const { metadata: _, status: _status, ...rest } = object;
  return rest;
}

function metadataProblems(type: ResourceType, object: ApiObject): InvalidField[] {
  const { name, labels } = object.metadata;
  const wrong: InvalidField[] = [];
  const quoted = JSON.stringify(name);
  if (labelKinds.has(type.kind) && !(label.test(name) && name.length <= 63))
    wrong.push(
      problem(
        "metadata.name",
        `Invalid value: ${quoted}: a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character`,
      ),
    );
  else if (!pathSegmentKinds.has(type.kind) && !(subdomain.test(name) && name.length <= 253))
    wrong.push(
      problem(
        "metadata.name",
        `Invalid value: ${quoted}: a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character`,
      ),
    );
  for (const value of Object.values(labels ?? {})) {
    if (typeof value !== "string" || value.length > 63 || !labelValue.test(value))
      wrong.push(
        problem(
          "metadata.labels",
          `Invalid value: ${JSON.stringify(value)}: a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character`,
        ),
      );
  }
  return wrong;
}

function kindProblems(object: ApiObject): InvalidField[] {
  const spec = fields(object.spec);
  const template = fields(spec.template);
  switch (object.kind) {
    case "Deployment":
    case "DaemonSet":
    case "StatefulSet": {
      const labels = fields(template.metadata).labels as Record<string, string> | undefined;
      const wrong = containerProblems(fields(template.spec), "spec.template.spec");
      if (matchesSelector(spec.selector, labels)) return wrong;
      const given = JSON.stringify(labels ?? {});
      return [
        ...wrong,
        problem(
          "spec.template.metadata.labels",
          `Invalid value: ${given}: \`selector\` does not match template \`labels\``,
        ),
      ];
    }
    case "Pod":
      return containerProblems(spec, "spec");
    case "Service":
      return spec.type === "ExternalName" || spec.clusterIP === "None" || fieldsList(spec.ports).length > 0
        ? []
        : [required("spec.ports")];
    case "Ingress":
      return spec.defaultBackend || fieldsList(spec.rules).length > 0
        ? []
        : [problem("spec", "Invalid value: {}: either `defaultBackend` or `rules` must be specified")];
    default:
      return [];
  }
}

function containerProblems(spec: Record<string, unknown>, at: string): InvalidField[] {
  const containers = fieldsList(spec.containers);
  if (containers.length === 0) return [required(`${at}.containers`)];
  return containers.flatMap((container, index) => [
    ...(container.name ? [] : [required(`${at}.containers[${index}].name`)]),
    ...(container.image ? [] : [required(`${at}.containers[${index}].image`)]),
  ]);
}

const immutable: Readonly<Record<string, readonly (readonly [path: string, message: string])[]>> = {
  Deployment: [["spec.selector", "field is immutable"]],
  DaemonSet: [["spec.selector", "field is immutable"]],
  StatefulSet: [["spec.selector", "field is immutable"]],
  Job: [["spec.template", "field is immutable"]],
  StorageClass: [
    ["parameters", "updates to parameters are forbidden."],
    ["provisioner", "updates to provisioner are forbidden."],
    ["reclaimPolicy", "field is immutable"],
    ["volumeBindingMode", "field is immutable"],
  ],
};

function immutableProblems(object: ApiObject, live: ApiObject): InvalidField[] {
  return (immutable[object.kind] ?? []).flatMap(([path, message]) => {
    const at = (root: ApiObject) =>
      path.split(".").reduce<unknown>((value, name) => fields(value)[name], root);
    if (sameValue(at(object), at(live))) return [];
    const text = message.startsWith("updates")
      ? `Forbidden: ${message}`
      : `Invalid value: ${JSON.stringify(at(object))}: ${message}`;
    return [
      {
        field: path,
        problem: text,
        reason: text.startsWith("F") ? "FieldValueForbidden" : "FieldValueInvalid",
      },
    ];
  });
}

function problem(field: string, text: string): InvalidField {
  return { field, problem: text, reason: "FieldValueInvalid" };
}

function required(field: string): InvalidField {
  return { field, problem: "Required value", reason: "FieldValueRequired" };
}

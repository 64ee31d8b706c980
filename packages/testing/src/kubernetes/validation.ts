import { type ApiObject, fields, fieldsList, sameValue } from "./api-object.js";
import { ApiError, badRequest, type InvalidField, invalid, untypedPatch } from "./api-status.js";
import {
  configKeyProblem,
  invalidValue,
  labelKeyProblem,
  labelProblem,
  labelValueProblem,
  subdomainProblem,
} from "./naming.js";
import { apiVersionOf, type ResourceType } from "./resource-type.js";
import { knownFields, schemaViolations, unknownFields } from "./schema.js";
import { matchesSelector } from "./selectors.js";

const labelKinds = new Set(["Namespace"]);
const pathSegmentKinds = new Set(["Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"]);

/** How a request wants unknown fields treated. */
export type FieldValidation = "Ignore" | "Warn" | "Strict";

/**
 * Refuses fields that the kind does not have; drops them when the request does not mind.
 *
 * @param patched what a patch made of the object, which its refusal shows
 */
export function checkUnknownFields(
  type: ResourceType,
  object: ApiObject,
  mode: FieldValidation,
  apply: boolean,
  patched?: ApiObject,
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
  if (mode === "Strict" && patched !== undefined)
    throw new ApiError(
      422,
      "Invalid",
      ` "" is invalid: patch: Invalid value: ${JSON.stringify(JSON.stringify(patched))}: strict decoding error: ${quoted.join(", ")}`,
      {
        causes: [
          {
            reason: "FieldValueInvalid",
            message: `Invalid value: ${JSON.stringify(JSON.stringify(patched))}: strict decoding error: ${quoted.join(", ")}`,
            field: "patch",
          },
        ],
      },
    );
  if (mode === "Strict")
    throw badRequest(
      `${type.kind} in version "${type.version}" cannot be handled as a ${type.kind}: strict decoding error: ${quoted.join(", ")}`,
    );
  const known = knownFields(object, type.schema) as Record<string, unknown>;
  for (const name of Object.keys(object)) if (!(name in known)) delete object[name];
  Object.assign(object, known);
  return mode === "Warn" ? quoted : [];
}

/** Refuses an object that is not for this path. */
export function checkIdentity(
  type: ResourceType,
  object: ApiObject,
  namespace: string | undefined,
  name: string | undefined,
): void {
  const version = object.apiVersion.split("/").at(-1);
  if (object.kind !== type.kind)
    throw badRequest(
      `${object.kind} in version "${version}" cannot be handled as a ${type.kind}: converting (${goType(object)}) to (${type.group ? type.group.split(".")[0] : "core"}.${type.kind}): unknown conversion`,
    );
  if (object.apiVersion !== apiVersionOf(type))
    throw badRequest(
      `${object.kind} in version "${version}" cannot be handled as a ${type.kind}: no kind "${object.kind}" is registered for version "${object.apiVersion}" in scheme "pkg/runtime/scheme.go"`,
    );
  if (name !== undefined && object.metadata.name !== name)
    throw badRequest(
      `the name of the object (${object.metadata.name}) does not match the name on the URL (${name})`,
    );
  if (type.namespaced && (object.metadata.namespace ?? namespace) !== namespace)
    throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
}

function goType({ apiVersion, kind }: ApiObject): string {
  return `${apiVersion.split("/").at(-1)}.${kind}`;
}

/** Refuses what breaks the kind's rules: names, labels, schema, immutable fields. */
export function validate(type: ResourceType, object: ApiObject, live: ApiObject | undefined): void {
  const violations = schemaViolations(withoutMetadata(object), type.schema);
  const mistyped = type.custom
    ? undefined
    : violations.find(({ problem: text }) => text.includes("must be of type"));
  if (mistyped) throw undecodable(type, mistyped.field, mistyped.problem);
  const wrong = [
    ...metadataProblems(type, object),
    ...violations.map((one) => one satisfies InvalidField),
    ...kindProblems(object),
    ...(live ? immutableProblems(object, live) : []),
  ];
  if (wrong.length > 0) throw invalid(type, object.metadata.name, wrong);
}

const goTypes: Readonly<Record<string, string>> = { integer: "int32", boolean: "bool" };

/** Built-in kinds are Go structs: what does not fit is refused while the JSON is read, in the words of Go's decoder. */
function undecodable(type: ResourceType, field: string, problem: string): ApiError {
  const [, wanted = "string", given = "string"] = /must be of type (\w+): "(\w+)"/.exec(problem) ?? [];
  // A mapping is one field of its struct.
  const path = /^(data|stringData|parameters)\./.exec(field)?.[1] ?? field;
  const struct = path.startsWith("spec.") ? `${type.kind}Spec` : type.kind;
  const json = given === "integer" ? "number" : given === "boolean" ? "bool" : given;
  return badRequest(
    `${type.kind} in version "${type.version}" cannot be handled as a ${type.kind}: json: cannot unmarshal ${json} into Go struct field ${struct}.${path} of type ${goTypes[wanted] ?? wanted}`,
  );
}

function withoutMetadata(object: ApiObject): Record<string, unknown> {
  const { metadata: _, status: _status, ...rest } = object;
  return rest;
}

function metadataProblems(type: ResourceType, object: ApiObject): InvalidField[] {
  const { name, labels } = object.metadata;
  const wrong: InvalidField[] = [];
  const isPathSegment = pathSegmentKinds.has(type.kind);
  const unusable = isPathSegment
    ? undefined
    : (labelKinds.has(type.kind) ? labelProblem : subdomainProblem)(name);
  if (unusable) wrong.push(invalidValue("metadata.name", name, unusable));
  for (const [key, value] of Object.entries(labels ?? {})) {
    const badKey = labelKeyProblem(key);
    if (badKey) wrong.push(invalidValue("metadata.labels", key, badKey));
    const badValue = typeof value === "string" ? labelValueProblem(value) : "must be a string";
    if (badValue) wrong.push(invalidValue("metadata.labels", value, badValue));
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
      if (Number(spec.replicas ?? 0) < 0)
        wrong.unshift(invalidValue("spec.replicas", spec.replicas, "must be greater than or equal to 0"));
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
      return serviceProblems(spec);
    case "Ingress":
      return ingressProblems(object.spec === undefined ? undefined : spec);
    case "Lease":
      for (const name of ["acquireTime", "renewTime"])
        if (spec[name] !== undefined && !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/.test(String(spec[name])))
          throw badRequest(
            `Lease in version "v1" cannot be handled as a Lease: parsing time "${spec[name]}" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "${spec[name]}" as "2006"`,
          );
      return typeof spec.leaseDurationSeconds === "number" && spec.leaseDurationSeconds <= 0
        ? [invalidValue("spec.leaseDurationSeconds", spec.leaseDurationSeconds, "must be greater than 0")]
        : [];
    case "ConfigMap":
    case "Secret":
      return [...Object.keys(fields(object.data))].flatMap((key) => {
        const wrong = configKeyProblem(key);
        return wrong ? [invalidValue(`data[${key}]`, key, wrong)] : [];
      });
    case "CustomResourceDefinition":
      return object.metadata.name === `${fields(spec.names).plural}.${spec.group}`
        ? []
        : [invalidValue("metadata.name", object.metadata.name, 'must be spec.names.plural+"."+spec.group')];
    default:
      return [];
  }
}

function serviceProblems(spec: Record<string, unknown>): InvalidField[] {
  const ports = fieldsList(spec.ports);
  if (ports.length === 0 && spec.type !== "ExternalName" && spec.clusterIP !== "None")
    return [required("spec.ports")];
  const isPort = (value: unknown) =>
    typeof value !== "number" || (Number.isInteger(value) && value >= 1 && value <= 65_535);
  return ports.flatMap((port, index) =>
    ["port", "targetPort"]
      .filter((name) => !isPort(port[name]))
      .map((name) =>
        invalidValue(`spec.ports[${index}].${name}`, port[name], "must be between 1 and 65535, inclusive"),
      ),
  );
}

function ingressProblems(spec: Record<string, unknown> | undefined): InvalidField[] {
  const rules = fieldsList(spec?.rules);
  if (!spec?.defaultBackend && rules.length === 0)
    return [invalidValue("spec", null, "either `defaultBackend` or `rules` must be specified")];
  return rules.flatMap(({ host, http }, index) => {
    const at = `spec.rules[${index}]`;
    const name = typeof host === "string" ? host.replace(/^\*\./, "") : undefined;
    const wrong = name === undefined || name === "" ? undefined : subdomainProblem(name);
    const paths = fieldsList(fields(http).paths).flatMap(({ path, pathType }, step) => {
      const here = `${at}.http.paths[${step}]`;
      if (pathType === undefined) return [required(`${here}.pathType`, "pathType must be specified")];
      if (pathType === "ImplementationSpecific" || (typeof path === "string" && path.startsWith("/")))
        return [];
      return [invalidValue(`${here}.path`, path ?? "", "must be an absolute path")];
    });
    return [...(wrong ? [invalidValue(`${at}.host`, host, wrong)] : []), ...paths];
  });
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
    ["parameters", "field is immutable"],
    ["provisioner", "field is immutable"],
    ["reclaimPolicy", "field is immutable"],
    ["volumeBindingMode", "field is immutable"],
  ],
  Secret: [["type", "field is immutable"]],
  RoleBinding: [["roleRef", "cannot change roleRef"]],
  ClusterRoleBinding: [["roleRef", "cannot change roleRef"]],
};

function immutableProblems(object: ApiObject, live: ApiObject): InvalidField[] {
  return (immutable[object.kind] ?? []).flatMap(([path, message]) => {
    const at = (root: ApiObject) =>
      path.split(".").reduce<unknown>((value, name) => fields(value)[name], root);
    if (sameValue(at(object), at(live))) return [];
    return [invalidValue(path, path === "roleRef" ? goFields(at(object)) : at(object), message)];
  });
}

/** A struct without names for JSON, as `%v` of Go shows it. */
function goFields(value: unknown): unknown {
  const names: Readonly<Record<string, string>> = { apiGroup: "APIGroup", kind: "Kind", name: "Name" };
  return Object.fromEntries(
    Object.entries(fields(value)).map(([name, member]) => [names[name] ?? name, member]),
  );
}

function problem(field: string, text: string): InvalidField {
  return { field, problem: text, reason: "FieldValueInvalid" };
}

function required(field: string, why?: string): InvalidField {
  return { field, problem: why ? `Required value: ${why}` : "Required value", reason: "FieldValueRequired" };
}

import { isFields } from "./api-object.js";

/** The part of an OpenAPI v3 structural schema (apiextensions/v1 JSONSchemaProps) that the emulator honours. */
export interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly required?: readonly string[];
  readonly enum?: readonly unknown[];
  readonly "x-kubernetes-preserve-unknown-fields"?: boolean;
  readonly "x-kubernetes-int-or-string"?: boolean;
}

/** A field that the schema does not have, as a path: `.spec.templates[0].x`. */
export function unknownFields(value: unknown, schema: Schema | undefined, path = ""): string[] {
  if (!schema || value === null || value === undefined) return [];
  if (Array.isArray(value))
    return value.flatMap((item, index) => unknownFields(item, schema.items, `${path}[${index}]`));
  if (!isFields(value)) return [];
  const { properties, additionalProperties } = schema;
  if (!properties) {
    if (!isFields(additionalProperties)) return [];
    return Object.entries(value).flatMap(([name, member]) =>
      unknownFields(member, additionalProperties as Schema, `${path}.${name}`),
    );
  }
  const open = schema["x-kubernetes-preserve-unknown-fields"] === true;
  return Object.entries(value).flatMap(([name, member]) => {
    const known = properties[name];
    if (known) return unknownFields(member, known, `${path}.${name}`);
    return open ? [] : [`${path}.${name}`];
  });
}

/** The value without the fields that its schema does not have. */
export function knownFields(value: unknown, schema: Schema | undefined): unknown {
  if (Array.isArray(value)) return value.map((item) => knownFields(item, schema?.items));
  if (!schema || !isFields(value)) return value;
  const { properties, additionalProperties } = schema;
  const open = schema["x-kubernetes-preserve-unknown-fields"] === true;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !properties || open || name in properties)
      .map(([name, member]) => [
        name,
        knownFields(
          member,
          properties?.[name] ??
            (isFields(additionalProperties) ? (additionalProperties as Schema) : undefined),
        ),
      ]),
  );
}

/** A value of the wrong type, missing or not among those allowed, in the words of CRD validation. */
export interface SchemaViolation {
  readonly field: string;
  readonly problem: string;
  readonly reason: "FieldValueRequired" | "FieldValueInvalid" | "FieldValueNotSupported";
}

/** What of a value breaks its schema. */
export function schemaViolations(value: unknown, schema: Schema | undefined, path = ""): SchemaViolation[] {
  if (!schema || value === undefined || value === null) return [];
  const wrong = wrongType(value, schema);
  if (wrong)
    return [
      {
        field: path || "<nil>",
        reason: "FieldValueInvalid",
        problem: `Invalid value: "${typeName(value)}": ${path.slice(0)} in body must be of type ${wrong}: "${typeName(value)}"`,
      },
    ];
  if (schema.enum && !schema.enum.includes(value))
    return [
      {
        field: path,
        reason: "FieldValueNotSupported",
        problem: `Unsupported value: ${JSON.stringify(value)}: supported values: ${schema.enum.map((one) => JSON.stringify(one)).join(", ")}`,
      },
    ];
  if (Array.isArray(value))
    return value.flatMap((item, index) => schemaViolations(item, schema.items, `${path}[${index}]`));
  if (!isFields(value)) return [];
  const at = (name: string) => (path ? `${path}.${name}` : name);
  const missing = (schema.required ?? [])
    .filter((name) => value[name] === undefined)
    .map(
      (name): SchemaViolation => ({
        field: at(name),
        reason: "FieldValueRequired",
        problem: "Required value",
      }),
    );
  const members = Object.entries(value).flatMap(([name, member]) => {
    const inner = schema.properties?.[name] ?? schema.additionalProperties;
    return isFields(inner) ? schemaViolations(member, inner as Schema, at(name)) : [];
  });
  return [...missing, ...members];
}

function wrongType(value: unknown, schema: Schema): string | undefined {
  if (schema["x-kubernetes-int-or-string"]) {
    return typeof value === "string" || Number.isInteger(value) ? undefined : "integer or string";
  }
  switch (schema.type) {
    case "object":
      return isFields(value) ? undefined : "object";
    case "array":
      return Array.isArray(value) ? undefined : "array";
    case "integer":
      return Number.isInteger(value) ? undefined : "integer";
    case "number":
      return typeof value === "number" ? undefined : "number";
    case "string":
      return typeof value === "string" ? undefined : "string";
    case "boolean":
      return typeof value === "boolean" ? undefined : "boolean";
    default:
      return undefined;
  }
}

function typeName(value: unknown): string {
  if (Array.isArray(value)) return "array";
  if (Number.isInteger(value)) return "integer";
  return isFields(value) ? "object" : typeof value;
}

/** Schema of an object with these members. */
export function object(
  properties: Readonly<Record<string, Schema>>,
  required: readonly string[] = [],
): Schema {
  return { type: "object", properties, required };
}

export function array(items: Schema): Schema {
  return { type: "array", items };
}

export const string: Schema = { type: "string" };
export const integer: Schema = { type: "integer" };
export const boolean: Schema = { type: "boolean" };
export const intOrString: Schema = { "x-kubernetes-int-or-string": true };
export const strings: Schema = array(string);
export const stringMap: Schema = { type: "object", additionalProperties: string };
/** Anything: what the emulator has no table for. */
export const anything: Schema = {};

/** Several members of the same schema. */
export function members(names: string, schema: Schema = anything): Record<string, Schema> {
  return Object.fromEntries(names.split(" ").map((name) => [name, schema]));
}

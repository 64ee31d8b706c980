import { refuse } from "./errors.js";

/** Says what is wrong with a value, as the end of a sentence that starts with the field's name; `undefined` when nothing is. */
export type FieldCheck = (value: unknown) => string | undefined;

export const text =
  (rule: { readonly pattern?: RegExp; readonly max?: number; readonly wrong?: string } = {}): FieldCheck =>
  (value) => {
    if (typeof value !== "string") return "must be a string";
    if (rule.max !== undefined && value.length > rule.max) return `is too long (maximum is ${rule.max})`;
    if (rule.pattern && !rule.pattern.test(value)) return rule.wrong ?? "is invalid";
    return undefined;
  };

export const flag: FieldCheck = (value) => (typeof value === "boolean" ? undefined : "must be a boolean");

export const integer: FieldCheck = (value) => (Number.isInteger(value) ? undefined : "must be an integer");

export const either =
  (...checks: readonly FieldCheck[]): FieldCheck =>
  (value) =>
    checks.some((check) => check(value) === undefined) ? undefined : "has the wrong type";

export const listOf =
  (check: FieldCheck, max = Number.POSITIVE_INFINITY): FieldCheck =>
  (value) => {
    if (!Array.isArray(value)) return "must be an array";
    if (value.length > max) return `has too many items (maximum is ${max})`;
    return value.map(check).find((wrong) => wrong !== undefined);
  };

export const orNull =
  (check: FieldCheck): FieldCheck =>
  (value) =>
    value === null ? undefined : check(value);

export const object =
  (fields: Readonly<Record<string, FieldCheck>>, required: readonly string[] = []): FieldCheck =>
  (value) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return "must be an object";
    for (const name of required) if (!(name in value)) return `lacks ${name}`;
    for (const [name, given] of Object.entries(value)) {
      const check = fields[name];
      if (!check) return `has the unknown attribute ${name}`;
      const wrong = check(given);
      if (wrong) return `${name} ${wrong}`;
    }
    return undefined;
  };

/** Checks a request body field by field; throws the service's 422 for a missing, unknown or mistyped one. */
export function readBody(
  body: unknown,
  fields: Readonly<Record<string, FieldCheck>>,
  required: readonly string[],
): Record<string, unknown> {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw refuse(400, "The request body must be a JSON object.");
  }
  const given = body as Record<string, unknown>;
  for (const name of required) {
    if (given[name] === undefined || given[name] === null) throw refuse(422, `${name} is required`);
  }
  for (const [name, value] of Object.entries(given)) {
    const check = fields[name];
    if (!check) throw refuse(422, `${name} is not a known attribute`);
    const wrong = check(value);
    if (wrong) throw refuse(422, `${name} ${wrong}`);
  }
  return given;
}

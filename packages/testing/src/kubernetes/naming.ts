import type { InvalidField } from "./api-status.js";

// The rules for names, and the words in which kube-apiserver tells of one that breaks them
// (k8s.io/apimachinery, util/validation; compared with v1.36).

const subdomainPattern = "[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
const labelPattern = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const valuePattern = "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?";
const keyPattern = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const configKeyPattern = "[-._a-zA-Z0-9]+";

const matches = (pattern: string, text: string) => new RegExp(`^(?:${pattern})$`).test(text);
const regex = (pattern: string) => `regex used for validation is '${pattern}')`;

/** Why a text is no RFC 1123 subdomain; `undefined` when it is one. */
export function subdomainProblem(text: string): string | undefined {
  if (text.length > 253) return "must be no more than 253 bytes";
  if (matches(subdomainPattern, text)) return undefined;
  return `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', ${regex(subdomainPattern)}`;
}

/** Why a text is no RFC 1123 label. */
export function labelProblem(text: string): string | undefined {
  if (text.length > 63) return "must be no more than 63 bytes";
  if (text.includes(".")) return "must not contain dots";
  if (matches(labelPattern, text)) return undefined;
  return `a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', ${regex(labelPattern)}`;
}

/** Why a text is no value of a label. */
export function labelValueProblem(text: string): string | undefined {
  if (text.length > 63) return "must be no more than 63 bytes";
  if (matches(valuePattern, text)) return undefined;
  return `a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', ${regex(valuePattern)}`;
}

/** Why a text is no key of a label. */
export function labelKeyProblem(text: string): string | undefined {
  const [prefix, name] = text.includes("/") ? (text.split("/", 2) as [string, string]) : [undefined, text];
  const wrong = prefix === undefined ? undefined : subdomainProblem(prefix);
  if (wrong) return `prefix part ${wrong}`;
  if (name.length > 63) return "name part must be no more than 63 bytes";
  if (matches(keyPattern, name)) return undefined;
  return `name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', ${regex(keyPattern)}`;
}

/** Why a text is no key of a ConfigMap or Secret. */
export function configKeyProblem(text: string): string | undefined {
  if (matches(configKeyPattern, text)) return undefined;
  return `a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', ${regex(configKeyPattern)}`;
}

/** `Invalid value: "x": why`, for a field. */
export function invalidValue(field: string, value: unknown, why: string): InvalidField {
  return {
    field,
    problem: `Invalid value: ${JSON.stringify(value ?? null)}: ${why}`,
    reason: "FieldValueInvalid",
  };
}

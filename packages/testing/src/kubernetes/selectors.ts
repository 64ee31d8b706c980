import { type ApiObject, type Fields, fields, isFields } from "./api-object.js";
import { badRequest } from "./api-status.js";

type Labels = Readonly<Record<string, string>>;

/** A test for `?labelSelector=`: `a=b,c!=d,e in (f,g),h notin (i),j,!k`. */
export function labelSelector(text: string | null): (object: ApiObject) => boolean {
  if (!text) return () => true;
  const tests = splitRequirements(text).map(labelTest);
  return (object) => tests.every((test) => test(object.metadata.labels ?? {}));
}

function splitRequirements(text: string): string[] {
  return text
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter(Boolean);
}

function labelTest(text: string): (labels: Labels) => boolean {
  const set = /^(\S+)\s+(in|notin)\s+\(([^)]*)\)$/.exec(text);
  if (set) {
    const [, key = "", operator, list = ""] = set;
    const values = list.split(",").map((value) => value.trim());
    return (labels) => values.includes(labels[key] ?? "\0") === (operator === "in");
  }
  const equality = /^([^=!\s]+)\s*(==|=|!=)\s*(\S*)$/.exec(text);
  if (equality) {
    const [, key = "", operator, value = ""] = equality;
    return (labels) => (labels[key] === value) === (operator !== "!=");
  }
  const existence = /^(!?)([^=!\s]+)$/.exec(text);
  const operator = /^(==|=|!=)/.exec(text)?.[1];
  if (operator) throw badRequest(`found '${operator}', expected: !, identifier, or 'end of string'`);
  if (!existence) throw badRequest(`unable to parse requirement: ${text}`);
  const [, not, key = ""] = existence;
  return (labels) => (labels[key] !== undefined) === (not === "");
}

const fieldPaths: Readonly<Record<string, readonly string[]>> = {
  "metadata.name": ["metadata", "name"],
  "metadata.namespace": ["metadata", "namespace"],
  "spec.nodeName": ["spec", "nodeName"],
  "status.phase": ["status", "phase"],
  "spec.unschedulable": ["spec", "unschedulable"],
  type: ["type"],
};

/** A test for `?fieldSelector=`; a field that Kubernetes does not index is refused. */
export function fieldSelector(text: string | null): (object: ApiObject) => boolean {
  if (!text) return () => true;
  const tests = text.split(",").map((part) => {
    const found = /^([^=!]+)(==|=|!=)(.*)$/.exec(part.trim());
    const path = found && fieldPaths[found[1] ?? ""];
    if (!found || !path) throw badRequest(`field label not supported: ${found?.[1] ?? part}`);
    return (object: ApiObject) => {
      const value = path.reduce<unknown>(
        (at, name) => (isFields(at) ? at[name] : undefined),
        object as Fields,
      );
      return (String(value ?? "") === found[3]) === (found[2] !== "!=");
    };
  });
  return (object) => tests.every((test) => test(object));
}

/** Whether labels fit a LabelSelector (meta/v1). An empty selector fits everything. */
export function matchesSelector(selector: unknown, labels: Labels | undefined): boolean {
  if (!isFields(selector)) return false;
  const own = labels ?? {};
  const byLabel = Object.entries(fields(selector.matchLabels)).every(([key, value]) => own[key] === value);
  const expressions = Array.isArray(selector.matchExpressions) ? selector.matchExpressions : [];
  return byLabel && expressions.every((expression) => matchesExpression(fields(expression), own));
}

function matchesExpression(expression: Fields, labels: Labels): boolean {
  const value = labels[String(expression.key)];
  const values = Array.isArray(expression.values) ? (expression.values as unknown[]) : [];
  switch (expression.operator) {
    case "In":
      return values.includes(value);
    case "NotIn":
      return !values.includes(value);
    case "Exists":
      return value !== undefined;
    default:
      return value === undefined;
  }
}

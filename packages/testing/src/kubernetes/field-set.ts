import { type Fields, isFields, sameValue } from "./api-object.js";
import { isAtomicMap, itemKey, listKind } from "./list-semantics.js";
import type { ResourceType } from "./resource-type.js";

/** One step of a path in Kubernetes' notation: `f:name`, `k:{"name":"web"}` or `v:"item"`. */
type Step = string;

/** Paths of fields, each encoded by {@link encode}. */
export type FieldSet = ReadonlySet<string>;

function encode(path: readonly Step[]): string {
  return path.join("\n");
}

export function decode(path: string): Step[] {
  return path.split("\n");
}

const systemFields = new Set([
  "f:apiVersion",
  "f:kind",
  ...[
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "managedFields",
    "selfLink",
  ].map((name) => encode(["f:metadata", `f:${name}`])),
]);

/** The fields that a configuration sets, as server-side apply counts them. */
export function fieldsOf(type: ResourceType, object: Fields): Set<string> {
  const found = new Set<string>();
  collect(type, object, [], [], found);
  return found;
}

function collect(
  type: ResourceType,
  value: unknown,
  path: readonly Step[],
  names: readonly string[],
  found: Set<string>,
): void {
  if (systemFields.has(encode(path))) return;
  if (isFields(value) && !(names.length > 0 && isAtomicMap(type, names))) {
    const entries = Object.entries(value).filter(([, member]) => member !== undefined);
    if (entries.length === 0 && path.length > 0) found.add(encode(path));
    for (const [name, member] of entries)
      collect(type, member, [...path, `f:${name}`], [...names, name], found);
    return;
  }
  if (Array.isArray(value)) {
    const kind = listKind(type, names, value);
    if (kind === "set") {
      for (const item of value) found.add(encode([...path, `v:${JSON.stringify(item)}`]));
      return;
    }
    if (kind !== "atomic") {
      for (const item of value) {
        const step = `k:${JSON.stringify(itemKey(item, kind.keys))}`;
        found.add(encode([...path, step]));
        collect(type, item, [...path, step], names, found);
      }
      return;
    }
  }
  found.add(encode(path));
}

/** The value at a path; `undefined` when there is none. */
export function valueAt(object: unknown, path: readonly Step[]): unknown {
  let value = object;
  for (const step of path) {
    if (step.startsWith("f:")) value = isFields(value) ? value[step.slice(2)] : undefined;
    else value = Array.isArray(value) ? value.find((item) => matches(item, step)) : undefined;
    if (value === undefined) return undefined;
  }
  return value;
}

/** Takes the field at a path out, with the mappings that become empty on the way. */
export function removeAt(object: Fields, path: readonly Step[]): void {
  const [step, ...rest] = path;
  if (step === undefined) return;
  if (step.startsWith("f:")) {
    const name = step.slice(2);
    const member = object[name];
    if (rest.length === 0) delete object[name];
    else if (Array.isArray(member)) {
      removeItem(member, rest);
      if (member.length === 0) delete object[name];
    } else if (isFields(member)) {
      removeAt(member, rest);
      if (Object.keys(member).length === 0) delete object[name];
    }
  }
}

function removeItem(list: unknown[], path: readonly Step[]): void {
  const [step, ...rest] = path;
  const index = list.findIndex((item) => matches(item, step ?? ""));
  if (index === -1) return;
  const item = list[index];
  if (rest.length === 0) list.splice(index, 1);
  else if (isFields(item)) removeAt(item, rest);
}

function matches(item: unknown, step: Step): boolean {
  const wanted: unknown = JSON.parse(step.slice(2));
  if (step.startsWith("v:")) return sameValue(item, wanted);
  return isFields(wanted) && sameValue(itemKey(item, Object.keys(wanted)), wanted);
}

/** `.spec.containers[name="web"].image`, as conflicts name a field. */
export function displayPath(path: readonly Step[]): string {
  return path
    .map((step) => {
      if (step.startsWith("f:")) return `.${step.slice(2)}`;
      const value: unknown = JSON.parse(step.slice(2));
      if (step.startsWith("v:") || !isFields(value)) return `[=${JSON.stringify(value)}]`;
      return `[${Object.entries(value)
        .map(([key, member]) => `${key}=${JSON.stringify(member)}`)
        .join(",")}]`;
    })
    .join("");
}

/** The set as a `fieldsV1`. */
export function toFieldsV1(set: FieldSet): Fields {
  const root: Fields = {};
  for (const path of [...set].sort()) {
    let node = root;
    for (const step of decode(path)) {
      const next = node[step];
      const inner = isFields(next) ? next : {};
      node[step] = inner;
      node = inner;
    }
    if (path !== "") node["."] = {};
  }
  return pruneDots(root);
}

/** A leaf is written `{}`; the dot is only for a field that is owned itself and has owned members. */
function pruneDots(node: Fields): Fields {
  const names = Object.keys(node);
  if (names.length === 1 && names[0] === ".") return {};
  return Object.fromEntries(names.map((name) => [name, name === "." ? {} : pruneDots(node[name] as Fields)]));
}

/** The set of a `fieldsV1`. */
export function fromFieldsV1(node: Fields, path: readonly Step[] = []): Set<string> {
  const names = Object.keys(node);
  if (names.length === 0) return new Set(path.length > 0 ? [encode(path)] : []);
  return new Set(
    names.flatMap((name) =>
      name === "." ? [encode(path)] : [...fromFieldsV1(node[name] as Fields, [...path, name])],
    ),
  );
}

import { type ApiObject, type Fields, isFields, sameValue } from "./api-object.js";
import { badRequest, unprocessable } from "./api-status.js";
import { itemKey, listKind } from "./list-semantics.js";
import type { ResourceType } from "./resource-type.js";

/** JSON merge patch, RFC 7396. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isFields(patch)) return structuredClone(patch);
  const result: Fields = isFields(target) ? { ...target } : {};
  for (const [name, member] of Object.entries(patch)) {
    if (member === null) delete result[name];
    else result[name] = mergePatch(result[name], member);
  }
  return result;
}

/** Strategic merge patch: as merge patch, but lists with a merge key are merged by it (`$patch: delete` removes an item). */
export function strategicPatch(
  type: ResourceType,
  target: unknown,
  patch: unknown,
  names: readonly string[] = [],
): unknown {
  if (isFields(patch)) {
    const result: Fields = isFields(target) ? { ...target } : {};
    for (const [name, member] of Object.entries(patch)) {
      if (name.startsWith("$")) continue;
      if (member === null) delete result[name];
      else result[name] = strategicPatch(type, result[name], member, [...names, name]);
    }
    return result;
  }
  if (Array.isArray(patch) && Array.isArray(target)) {
    const kind = listKind(type, names, [...target, ...patch]);
    if (kind === "atomic" || kind === "set") return structuredClone(patch);
    const keyOf = (item: unknown) => JSON.stringify(itemKey(item, kind.keys));
    let result = [...(target as unknown[])];
    for (const item of patch as unknown[]) {
      const index = result.findIndex((other) => keyOf(other) === keyOf(item));
      if (isFields(item) && item.$patch === "delete") result = result.filter((_, at) => at !== index);
      else if (index === -1) result.push(structuredClone(item));
      else result[index] = strategicPatch(type, result[index], item, names);
    }
    return result;
  }
  return structuredClone(patch);
}

/** JSON patch, RFC 6902. */
export function jsonPatch(target: ApiObject, operations: unknown): ApiObject {
  if (!Array.isArray(operations))
    throw badRequest("json: cannot unmarshal object into Go value of type jsonpatch.Patch");
  const root = { document: structuredClone(target) as unknown };
  for (const operation of operations) {
    if (!isFields(operation) || typeof operation.path !== "string")
      throw badRequest("invalid JSON patch operation");
    const { op, path, from, value } = operation;
    switch (op) {
      case "add":
        set(root, path, structuredClone(value), true);
        break;
      case "replace":
        read(root, path);
        set(root, path, structuredClone(value), false);
        break;
      case "remove":
        remove(root, path);
        break;
      case "test":
        if (!sameValue(read(root, path), value)) throw unprocessable();
        break;
      case "copy":
      case "move": {
        const moved = structuredClone(read(root, String(from)));
        if (op === "move") remove(root, String(from));
        set(root, path, moved, true);
        break;
      }
      default:
        throw badRequest(`unexpected kind: ${String(op)}`);
    }
  }
  return root.document as ApiObject;
}

function steps(path: string): string[] {
  return [
    "document",
    ...path
      .split("/")
      .slice(1)
      .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~")),
  ];
}

function parentOf(root: Fields, path: string): { readonly parent: unknown; readonly name: string } {
  const all = steps(path);
  const name = all.pop() ?? "";
  let parent: unknown = root;
  for (const step of all) parent = (parent as Fields | undefined)?.[step];
  return { parent, name };
}

function read(root: Fields, path: string): unknown {
  const { parent, name } = parentOf(root, path);
  const value = (parent as Fields | undefined)?.[name];
  if (value === undefined) throw unprocessable();
  return value;
}

function set(root: Fields, path: string, value: unknown, insert: boolean): void {
  const { parent, name } = parentOf(root, path);
  if (Array.isArray(parent)) {
    const index = name === "-" ? parent.length : Number(name);
    parent.splice(index, insert ? 0 : 1, value);
  } else if (isFields(parent)) parent[name] = value;
  else throw unprocessable();
}

function remove(root: Fields, path: string): void {
  read(root, path);
  const { parent, name } = parentOf(root, path);
  if (Array.isArray(parent)) parent.splice(Number(name), 1);
  else delete (parent as Fields)[name];
}

import {
  type ApiObject,
  type Fields,
  isFields,
  type ManagedFieldsEntry,
  sameValue,
  timestamp,
} from "./api-object.js";
import { ApiError, type StatusCause } from "./api-status.js";
import {
  decode,
  displayPath,
  type FieldSet,
  fieldsOf,
  fromFieldsV1,
  removeAt,
  toFieldsV1,
  valueAt,
} from "./field-set.js";
import { isAtomicMap, itemKey, listKind } from "./list-semantics.js";
import { apiVersionOf, type ResourceType } from "./resource-type.js";

/** Who writes. */
export interface Writer {
  readonly manager: string;
  /** Virtual milliseconds. */
  readonly now: number;
  readonly subresource?: string;
}

/**
 * Merges an applied configuration into the live object (Kubernetes docs, "Server-Side Apply"). Fields that
 * the same manager applied before and leaves out now are removed, unless somebody else owns them too.
 *
 * @param live `undefined` for an object that does not exist
 * @throws ApiError 409 when another manager owns a field that would change, unless `force`
 */
export function applyConfiguration(
  type: ResourceType,
  live: ApiObject | undefined,
  applied: ApiObject,
  writer: Writer,
  force: boolean,
): ApiObject {
  const wanted = fieldsOf(type, applied as Fields);
  const owners = live?.metadata.managedFields ?? [];
  const others = owners.filter((entry) => !isOwn(entry, writer));
  const conflicts = live ? findConflicts(live, applied, wanted, others) : [];
  if (conflicts.length > 0 && !force) throw conflictError(conflicts);

  const merged = live ? (mergeInto(type, live, applied, []) as ApiObject) : structuredClone(applied);
  const before = owners.find((entry) => isOwn(entry, writer));
  const elsewhere = new Set(others.flatMap((entry) => [...fromFieldsV1(entry.fieldsV1)]));
  const dropped = [...(before ? fromFieldsV1(before.fieldsV1) : [])].filter((path) => !wanted.has(path));
  // An item of a list before its members: without its key it could not be found.
  for (const path of dropped.sort((a, b) => a.length - b.length)) {
    const stillOwned = [...elsewhere, ...wanted].some(
      (other) => other === path || other.startsWith(`${path}\n`),
    );
    if (!stillOwned) removeAt(merged as Fields, decode(path));
  }
  const lost = new Set(conflicts.map(({ path }) => path));
  const kept = others.map((entry) => without(entry, lost)).filter((entry) => entry !== undefined);
  // Who owns nothing is not written down.
  const own = wanted.size > 0 ? [ownEntry(type, before, wanted, writer)] : [];
  const entries = [...unowned(type, live, writer), ...kept, ...own];
  if (entries.length > 0) merged.metadata.managedFields = entries.sort(byOperation);
  else delete merged.metadata.managedFields;
  return merged;
}

/** An object that nobody's fields are recorded of gets an owner of all of them at its first apply. */
function unowned(type: ResourceType, live: ApiObject | undefined, writer: Writer): ManagedFieldsEntry[] {
  if (!live || (live.metadata.managedFields ?? []).length > 0) return [];
  const { status: _, ...rest } = live;
  return [
    {
      manager: "before-first-apply",
      operation: "Update",
      apiVersion: apiVersionOf(type),
      time: timestamp(writer.now),
      fieldsType: "FieldsV1",
      fieldsV1: toFieldsV1(fieldsOf(type, rest as Fields)),
    },
  ];
}

/** The order that the API server keeps them in. */
function byOperation(a: ManagedFieldsEntry, b: ManagedFieldsEntry): number {
  const keyOf = (entry: ManagedFieldsEntry) =>
    [entry.operation, entry.time, entry.manager, entry.apiVersion, entry.subresource ?? ""].join("\n");
  return keyOf(a) < keyOf(b) ? -1 : 1;
}

/** Records who changed what with a create, update or patch that is no apply. */
export function trackUpdate(
  type: ResourceType,
  before: ApiObject | undefined,
  after: ApiObject,
  writer: Writer,
): void {
  const owners = before?.metadata.managedFields ?? [];
  const then = before ? fieldsOf(type, before as Fields) : new Set<string>();
  const now = fieldsOf(type, after as Fields);
  const written = new Set(
    [...now].filter((path) => !same(before, after, path) && !isAllocated(type, before, after, path)),
  );
  const removed = new Set([...then].filter((path) => !now.has(path)));
  if (written.size === 0 && removed.size === 0) {
    if (owners.length > 0) after.metadata.managedFields = owners;
    else delete after.metadata.managedFields;
    return;
  }
  const isOwnUpdate = (entry: ManagedFieldsEntry) =>
    entry.operation === "Update" &&
    entry.manager === writer.manager &&
    entry.subresource === writer.subresource;
  const own = owners.find(isOwnUpdate);
  const lost = new Set([...written, ...removed]);
  const kept = owners
    .filter((entry) => entry !== own)
    .map((entry) => without(entry, lost))
    .filter((entry) => entry !== undefined);
  const set = new Set(
    [...(own ? fromFieldsV1(own.fieldsV1) : []), ...written].filter((path) => now.has(path)),
  );
  const entry: ManagedFieldsEntry = {
    manager: writer.manager,
    operation: "Update",
    apiVersion: apiVersionOf(type),
    time: timestamp(writer.now),
    fieldsType: "FieldsV1",
    fieldsV1: toFieldsV1(set),
    ...(writer.subresource ? { subresource: writer.subresource } : {}),
  };
  const entries = set.size > 0 ? [...kept, entry] : kept;
  if (entries.length > 0) after.metadata.managedFields = entries.sort(byOperation);
  else delete after.metadata.managedFields;
}

/** What the API server chose itself for a new Service is nobody's field. */
function isAllocated(
  type: ResourceType,
  before: ApiObject | undefined,
  after: ApiObject,
  path: string,
): boolean {
  if (type.kind !== "Service" || before) return false;
  const field = /^f:spec\nf:(clusterIPs?|ipFamil\w+)$/.exec(path)?.[1];
  return field !== undefined && !(field === "clusterIP" && (after.spec as Fields).clusterIP === "None");
}

function same(before: ApiObject | undefined, after: ApiObject, path: string): boolean {
  const steps = decode(path);
  const was = valueAt(before, steps);
  // An item of a keyed list is written by its members; the item itself only when it is new.
  if (steps.at(-1)?.startsWith("k:")) return was !== undefined;
  return was !== undefined && sameValue(was, valueAt(after, steps));
}

interface Conflict {
  readonly path: string;
  readonly entry: ManagedFieldsEntry;
}

function findConflicts(
  live: ApiObject,
  applied: ApiObject,
  wanted: FieldSet,
  others: readonly ManagedFieldsEntry[],
): Conflict[] {
  return others.flatMap((entry) =>
    [...fromFieldsV1(entry.fieldsV1)]
      .filter((path) => wanted.has(path) && !decode(path).at(-1)?.startsWith("k:"))
      .filter((path) => !sameValue(valueAt(live, decode(path)), valueAt(applied, decode(path))))
      .map((path) => ({ path, entry })),
  );
}

function conflictError(conflicts: readonly Conflict[]): ApiError {
  const causes: StatusCause[] = conflicts.map(({ path, entry }) => ({
    reason: "FieldManagerConflict",
    message: `conflict with ${describe(entry)}`,
    field: displayPath(decode(path)),
  }));
  const many = causes.length > 1;
  const byOwner = new Map<string, string[]>();
  for (const { path, entry } of conflicts)
    byOwner.set(describe(entry), [...(byOwner.get(describe(entry)) ?? []), displayPath(decode(path))]);
  const text = many
    ? [...byOwner]
        .map(
          ([owner, fields]) => `conflicts with ${owner}:\n${fields.map((field) => `- ${field}`).join("\n")}`,
        )
        .join("\n")
    : `${causes[0]?.message}: ${causes[0]?.field}`;
  const message = `Apply failed with ${many ? `${causes.length} conflicts` : "1 conflict"}: ${text}`;
  return new ApiError(409, "Conflict", message, { causes });
}

function describe(entry: ManagedFieldsEntry): string {
  const name = `"${entry.manager}"${entry.subresource ? ` with subresource "${entry.subresource}"` : ""}`;
  return entry.operation === "Update" ? `${name} using ${entry.apiVersion}` : name;
}

function isOwn(entry: ManagedFieldsEntry, writer: Writer): boolean {
  return (
    entry.operation === "Apply" &&
    entry.manager === writer.manager &&
    entry.subresource === writer.subresource
  );
}

/** The time of an entry moves only when its set changes: that is what makes a repeated apply no change. */
function ownEntry(
  type: ResourceType,
  before: ManagedFieldsEntry | undefined,
  wanted: FieldSet,
  writer: Writer,
): ManagedFieldsEntry {
  const fieldsV1 = toFieldsV1(wanted);
  const unchanged = before !== undefined && sameValue(before.fieldsV1, fieldsV1);
  return {
    manager: writer.manager,
    operation: "Apply",
    apiVersion: apiVersionOf(type),
    time: unchanged ? before.time : timestamp(writer.now),
    fieldsType: "FieldsV1",
    fieldsV1,
    ...(writer.subresource ? { subresource: writer.subresource } : {}),
  };
}

function without(entry: ManagedFieldsEntry, paths: FieldSet): ManagedFieldsEntry | undefined {
  const set = fromFieldsV1(entry.fieldsV1);
  const left = new Set([...set].filter((path) => !paths.has(path)));
  if (left.size === set.size) return entry;
  return left.size === 0 ? undefined : { ...entry, fieldsV1: toFieldsV1(left) };
}

/** The live value with the applied one on top, lists merged as their kind says. */
function mergeInto(type: ResourceType, live: unknown, applied: unknown, names: readonly string[]): unknown {
  if (isFields(live) && isFields(applied) && !(names.length > 0 && isAtomicMap(type, names))) {
    const result: Fields = { ...live };
    for (const [name, member] of Object.entries(applied)) {
      // What the server keeps for itself is not the applier's to set.
      if (names.length === 1 && names[0] === "metadata" && name === "managedFields") continue;
      if (member === undefined || (names[0] === "metadata" && member === null)) continue;
      result[name] = mergeInto(type, live[name], member, [...names, name]);
    }
    return result;
  }
  if (Array.isArray(live) && Array.isArray(applied)) {
    const kind = listKind(type, names, [...live, ...applied]);
    if (kind === "set")
      return [...live, ...applied.filter((item) => !live.some((other) => sameValue(other, item)))];
    if (kind !== "atomic") {
      const keyOf = (item: unknown) => JSON.stringify(itemKey(item, kind.keys));
      const news = new Map(applied.map((item) => [keyOf(item), item]));
      const result = live.map((item) => {
        const update = news.get(keyOf(item));
        news.delete(keyOf(item));
        return update === undefined ? item : mergeInto(type, item, update, names);
      });
      return [...result, ...news.values()].map((item) => structuredClone(item));
    }
  }
  return structuredClone(applied);
}

/** An object as the emulated etcd holds it. */
export interface ApiObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  spec?: Fields;
  status?: Fields;
  [field: string]: unknown;
}

/** The part of ObjectMeta (meta/v1) that the emulator itself reads or writes. */
export interface ObjectMeta {
  name: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: OwnerReference[];
  managedFields?: ManagedFieldsEntry[];
  [field: string]: unknown;
}

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
}

/** Who owns which fields, in Kubernetes' own notation. */
export interface ManagedFieldsEntry {
  manager: string;
  operation: "Apply" | "Update";
  apiVersion: string;
  time: string;
  fieldsType: "FieldsV1";
  fieldsV1: Fields;
  subresource?: string;
}

export type Fields = Record<string, unknown>;

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value as a mapping; an empty one for anything else. */
export function fields(value: unknown): Fields {
  return isFields(value) ? value : {};
}

/** The value as a list of mappings; an empty one for anything else. */
export function fieldsList(value: unknown): Fields[] {
  return Array.isArray(value) ? value.filter(isFields) : [];
}

/** Deep equality of JSON values; a member that is `undefined` counts as missing. */
export function sameValue(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, index) => sameValue(item, b[index]));
  if (!isFields(a) || !isFields(b)) return false;
  const keys = (value: Fields) => Object.keys(value).filter((key) => value[key] !== undefined);
  const own = keys(a);
  return own.length === keys(b).length && own.every((key) => sameValue(a[key], b[key]));
}

/** RFC 3339 in whole seconds, as Kubernetes writes times. */
export function timestamp(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\.\d+Z$/, "Z");
}

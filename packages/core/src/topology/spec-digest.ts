import { createHash } from "node:crypto";
import type { MachineShape } from "../contracts/provider.js";

/** The fields of a machine whose change means a new machine. */
const fields = ["boot", "disk", "image", "options", "size"] as const;

/** One of the fields whose change replaces a machine. */
export type SpecField = (typeof fields)[number];

/**
 * A digest per field in one short text (`boot-1a2b3c4d_disk-…`), kept with the machine by its cloud: a
 * later run sees not only that something changed but what.
 *
 * @param boot digest of the boot configuration without the one-time host key
 */
export function specDigest(shape: MachineShape, boot: string): string {
  const values: Record<SpecField, unknown> = {
    boot,
    disk: shape.disk ?? null,
    image: shape.image,
    options: shape.providerOptions ?? null,
    size: shape.size,
  };
  return fields.map((field) => `${field}-${short(values[field])}`).join("_");
}

/** The fields in which two digests differ; all of them when one is damaged. */
export function changedFields(before: string, after: string): readonly SpecField[] {
  const old = new Map(before.split("_").map((part) => part.split("-") as [string, string]));
  const wanted = new Map(after.split("_").map((part) => part.split("-") as [string, string]));
  return fields.filter((field) => old.get(field) === undefined || old.get(field) !== wanted.get(field));
}

function short(value: unknown): string {
  return createHash("sha256").update(stable(value)).digest("hex").slice(0, 8);
}

/** JSON with sorted keys: the same settings in another order are the same settings. */
function stable(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(stable).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const entries = Object.entries(value).filter(([, entry]) => entry !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, entry]) => `${JSON.stringify(key)}:${stable(entry)}`).join(",")}}`;
}

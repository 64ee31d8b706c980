import type { Shape } from "./shape.js";
import { isMapping } from "./validate.js";

/** The values of a document that must never be shown, for redaction. */
export function secretValues(shape: Shape, value: unknown): string[] {
  if (shape === "secret") return typeof value === "string" ? [value] : [];
  if (typeof shape === "string" || "oneOf" in shape) return [];
  if ("list" in shape) {
    return Array.isArray(value) ? value.flatMap((item) => secretValues(shape.list, item)) : [];
  }
  if (!isMapping(value)) return [];
  return Object.entries(value).flatMap(([key, item]) => {
    const inner = "map" in shape ? shape.map : shape.keys[key];
    return inner ? secretValues(inner, item) : [];
  });
}

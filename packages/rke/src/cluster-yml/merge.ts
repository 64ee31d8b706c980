import { isMapping } from "./validate.js";

/**
 * A document with another one merged over it: mappings key by key, lists added without repeating what is
 * there, everything else replaced. Neither argument is changed.
 */
export function mergeOver<T>(base: T, over: unknown): T {
  return merge(base, over) as T;
}

function merge(base: unknown, over: unknown): unknown {
  if (over === undefined) return base;
  if (isMapping(base) && isMapping(over)) {
    const keys = new Set([...Object.keys(base), ...Object.keys(over)]);
    return Object.fromEntries([...keys].map((key) => [key, merge(base[key], over[key])]));
  }
  if (Array.isArray(base) && Array.isArray(over)) {
    const known = new Set(base.map((item) => JSON.stringify(item)));
    return [...base, ...over.filter((item) => !known.has(JSON.stringify(item)))];
  }
  return over;
}

/**
 * The shape of one value of a `cluster.yml`, as data: the validator walks it and the types are inferred
 * from it, so that the two cannot differ. `secret` is a string that must never be shown; `object` is a
 * Kubernetes object that RKE passes on unread.
 */
export type Shape =
  | "string"
  | "secret"
  | "integer"
  | "number"
  | "boolean"
  | "object"
  | { readonly oneOf: readonly string[] }
  | { readonly list: Shape }
  | { readonly map: Shape }
  | { readonly keys: Readonly<Record<string, Shape>> };

/** What a value of a shape looks like in TypeScript. */
export type ValueOf<S> = S extends "string" | "secret"
  ? string
  : S extends "integer" | "number"
    ? number
    : S extends "boolean"
      ? boolean
      : S extends "object"
        ? Readonly<Record<string, unknown>>
        : S extends { readonly oneOf: readonly (infer T)[] }
          ? T
          : S extends { readonly list: infer T }
            ? readonly ValueOf<T>[]
            : S extends { readonly map: infer T }
              ? Readonly<Record<string, ValueOf<T>>>
              : S extends { readonly keys: infer K }
                ? { readonly [name in keyof K]?: ValueOf<K[name]> }
                : never;

/** Many keys of one shape. */
export function all<const S extends Shape, const N extends string>(
  shape: S,
  ...names: readonly N[]
): Readonly<Record<N, S>> {
  return Object.fromEntries(names.map((name) => [name, shape])) as Record<N, S>;
}

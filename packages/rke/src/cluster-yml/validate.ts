import { nearest, type Problem } from "@multicloud/core/plugin";
import type { Shape } from "./shape.js";

// Mistakes that the edit distance does not lead to the right key, by path with `[]` for list items.
const otherNames: Readonly<Record<string, string>> = {
  "nodes[].name": "hostname_override",
  "nodes[].hostname": "hostname_override",
  "nodes[].roles": "role",
  "nodes[].ip": "address",
  "nodes[].private_address": "internal_address",
  "services.kube-apiserver": "kube-api",
  "services.kube_apiserver": "kube-api",
  "services.kube-controller-manager": "kube-controller",
  "services.kube-proxy": "kubeproxy",
  "services.kube-scheduler": "scheduler",
  "network.name": "plugin",
  "network.flannel_iface": "options.flannel_iface",
  "dns.upstream_nameservers": "upstreamnameservers",
};

/**
 * Everything that is wrong with a value, as RKE would read it. RKE itself drops unknown keys in silence,
 * so a misspelt one would simply have no effect.
 *
 * @param path path of the value in the configuration, for the problems
 */
export function findProblems(shape: Shape, value: unknown, path: string): Problem[] {
  return walk(shape, value, path, "");
}

function walk(shape: Shape, value: unknown, path: string, place: string): Problem[] {
  // A key that is present without a value is the same as an absent one, as in YAML.
  if (value === undefined) return [];
  if (typeof shape === "string") {
    return isScalar(shape, value) ? [] : [wrongType(path, shape, value)];
  }
  if ("oneOf" in shape) {
    if (typeof value === "string" && shape.oneOf.includes(value)) return [];
    const suggestion = typeof value === "string" ? nearest(value, shape.oneOf) : undefined;
    return [
      {
        path,
        message: "is not one of the values that RKE knows",
        given: show(value),
        allowed: shape.oneOf,
        ...(suggestion === undefined ? {} : { suggestion }),
      },
    ];
  }
  if ("list" in shape) {
    if (!Array.isArray(value)) return [wrongType(path, "list", value)];
    return value.flatMap((item, index) => walk(shape.list, item ?? null, `${path}[${index}]`, `${place}[]`));
  }
  if (!isMapping(value)) return [wrongType(path, "mapping", value)];
  if ("map" in shape) {
    return Object.entries(value).flatMap(([key, item]) =>
      walk(shape.map, item, join(path, key), `${place}.*`),
    );
  }
  return Object.entries(value).flatMap(([key, item]) => {
    const known = Object.hasOwn(shape.keys, key) ? shape.keys[key] : undefined;
    if (!known) return [unknownKey(shape.keys, key, path, place)];
    return walk(known, item, join(path, key), join(place, key));
  });
}

function unknownKey(
  keys: Readonly<Record<string, Shape>>,
  key: string,
  path: string,
  place: string,
): Problem {
  const suggestion = otherNames[join(place, key)] ?? nearest(key, Object.keys(keys));
  return {
    path: join(path, key),
    message: "is no key of RKE's cluster.yml; RKE would ignore it in silence",
    allowed: Object.keys(keys),
    ...(suggestion === undefined ? {} : { suggestion }),
  };
}

function isScalar(shape: string, value: unknown): boolean {
  switch (shape) {
    case "string":
    case "secret":
      return typeof value === "string";
    case "integer":
      return Number.isSafeInteger(value);
    case "number":
      return typeof value === "number" && Number.isFinite(value);
    case "boolean":
      return typeof value === "boolean";
    default:
      return isMapping(value);
  }
}

/** True for what YAML calls a mapping. */
export function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function wrongType(path: string, wanted: string, value: unknown): Problem {
  const isSecret = wanted === "secret";
  const kind = isSecret ? "string" : wanted === "object" ? "mapping" : wanted;
  const article = kind === "integer" ? "an" : "a";
  const quoting = kind === "string" && typeof value !== "object" ? "put it in quotes" : undefined;
  return {
    path,
    message: `must be ${article} ${kind}`,
    ...(isSecret ? {} : { given: show(value) }),
    ...(quoting === undefined ? {} : { hint: quoting }),
  };
}

function show(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (isMapping(value)) return "a mapping";
  return typeof value === "string" ? value : String(value);
}

function join(path: string, key: string): string {
  return path === "" ? key : `${path}.${key}`;
}

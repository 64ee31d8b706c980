import { nearest, type Problem } from "@multicloud/core/plugin";

/** Keys that an options object should not have, each with the one that was probably meant. */
export function unknownKeys(options: object, allowed: readonly string[], path = ""): Problem[] {
  return Object.keys(options)
    .filter((key) => !allowed.includes(key))
    .map((key) => {
      const suggestion = nearest(key, allowed);
      return {
        path: path ? `${path}.${key}` : key,
        message: "is not an option",
        allowed,
        ...(suggestion === undefined ? {} : { suggestion }),
      };
    });
}

/** A DNS name as RFC 1123 writes it, of at least two labels. */
export function hostProblems(path: string, host: unknown): Problem[] {
  const name = /^(?=.{1,253}$)([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)+[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
  if (typeof host === "string" && name.test(host)) return [];
  return [
    {
      path,
      message: "is not a DNS name",
      given: shown(host),
      hint: "for example hello.apps.example.com: lower case, without https:// and without a path",
    },
  ];
}

/** Enough of an address that a certificate authority will take it; whether it exists only mail can tell. */
export function emailProblems(path: string, email: unknown): Problem[] {
  if (typeof email === "string" && /^[^\s@]+@[^\s@.]+(\.[^\s@.]+)+$/.test(email)) return [];
  return [
    {
      path,
      message: "is not an e-mail address",
      given: shown(email),
      hint: "the certificate authority writes to it before a certificate ends",
    },
  ];
}

/** One of a few words. */
export function choiceProblems(path: string, given: unknown, allowed: readonly string[]): Problem[] {
  if (given === undefined || allowed.includes(given as string)) return [];
  const suggestion = typeof given === "string" ? nearest(given, allowed) : undefined;
  return [
    {
      path,
      message: "is none of the allowed values",
      given: shown(given),
      allowed,
      ...(suggestion === undefined ? {} : { suggestion }),
    },
  ];
}

/** A name of a Kubernetes object (RFC 1123 label). */
export function labelProblems(path: string, given: unknown): Problem[] {
  if (given === undefined) return [];
  if (typeof given === "string" && /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(given)) return [];
  return [{ path, message: "is not a name of a Kubernetes object", given: shown(given) }];
}

/** A whole number within bounds. */
export function countProblems(path: string, given: unknown, min: number, max: number): Problem[] {
  if (given === undefined || (Number.isInteger(given) && Number(given) >= min && Number(given) <= max))
    return [];
  return [{ path, message: `is not a whole number from ${min} to ${max}`, given: shown(given) }];
}

/** Form of a manifest source. */
export function manifestProblems(source: unknown): Problem[] {
  const path = "manifest";
  if (source === undefined || (typeof source === "string" && source.includes("\n"))) return [];
  if (typeof source === "string")
    return [
      {
        path,
        message: "is not YAML",
        given: source.slice(0, 80),
        hint: "a string is the manifest itself; use { url } or { file } to name one",
      },
    ];
  if (typeof source !== "object" || source === null)
    return [{ path, message: "is not a manifest", given: shown(source) }];
  if ("file" in source) return unknownKeys(source, ["file"], path);
  const { url, sha256 } = source as { url?: unknown; sha256?: unknown };
  const problems = unknownKeys(source, ["url", "sha256", "file"], path);
  if (typeof url !== "string" || !/^https?:\/\//.test(url) || !URL.canParse(url))
    problems.push({ path: `${path}.url`, message: "is not an http or https URL", given: shown(url) });
  if (sha256 !== undefined && !(typeof sha256 === "string" && /^[0-9a-f]{64}$/i.test(sha256)))
    problems.push({
      path: `${path}.sha256`,
      message: "is not a SHA-256 of 64 hexadecimal digits",
      given: shown(sha256),
    });
  return problems;
}

function shown(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "nothing");
}

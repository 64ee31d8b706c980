import { MulticloudError, nearest, type Problem } from "@multicloud/core/plugin";
import { markName, markStrings } from "./mark.js";
import { canonicalName, fullName, nameProblem } from "./names.js";
import { type TsigAlgorithm, type TsigKey, tsigAlgorithms } from "./tsig.js";

/** The key that signs every message (TSIG, RFC 8945). */
export interface TsigKeyOptions {
  /** Its name, as in the server's configuration. */
  readonly name: string;
  /** Default `hmac-sha256`. */
  readonly algorithm?: TsigAlgorithm;
  /** In Base64, as it stands in the server's configuration. Default: the environment's `RFC2136_TSIG_SECRET`, read at the first call. */
  readonly secret?: string;
}

/** Settings of `rfc2136`. */
export interface Rfc2136Options {
  /** Name or address of the zone's primary server. */
  readonly server: string;
  /** Default 53. */
  readonly port?: number;
  /** Name of the zone, for example `example.com`. */
  readonly zone: string;
  /** Name of the record within the zone, for example `*.apps`; `@` is the zone itself. A complete name is taken as it is. */
  readonly record: string;
  readonly key: TsigKeyOptions;
  /** Seconds that resolvers may keep an answer, 0 to 86,400. Default 60. */
  readonly ttl?: number;
  /** For connecting, and for each answer, in milliseconds. Default 10,000. */
  readonly timeoutMs?: number;
}

/** The options with their defaults, in canonical form. The key is read apart, because reading it can fail. */
export interface Settings {
  readonly host: string;
  readonly port: number;
  readonly zone: string;
  readonly record: string;
  readonly ttl: number;
  readonly timeoutMs: number;
}

export function settingsOf(options: Rfc2136Options): Settings {
  return {
    host: options.server.trim(),
    port: options.port ?? 53,
    zone: canonicalName(options.zone),
    record: fullName(options.zone, options.record),
    ttl: options.ttl ?? 60,
    timeoutMs: options.timeoutMs ?? 10_000,
  };
}

const known = ["server", "port", "zone", "record", "key", "ttl", "timeoutMs"];
const knownOfKey = ["name", "algorithm", "secret"];

/** What can be known to be wrong without asking the server. */
export function optionProblems(options: Rfc2136Options, cluster: string): Problem[] {
  const { record, host, ttl, port, timeoutMs, zone } = settingsOf(options);
  const problems = [
    ...unknownKeys("", options, known),
    ...unknownKeys("key.", options.key ?? {}, knownOfKey),
  ];
  const wrong = (path: string, message: string | undefined, more: Partial<Problem> = {}) => {
    if (message !== undefined) problems.push({ path, message, ...more });
  };
  if (host === "" || /[\s/]/.test(host)) wrong("server", "is no host name or address", { given: host });
  wrong("zone", nameProblem(zone), { given: options.zone });
  wrong(
    "record",
    nameProblem(record) ?? (isMarkable(record) ? undefined : "is too long: its mark needs a name too"),
    {
      given: record,
    },
  );
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    wrong("port", "must be a port", { given: String(port), allowed: ["1 to 65535"] });
  if (!Number.isInteger(ttl) || ttl < 0 || ttl > 86_400)
    wrong("ttl", "must be whole seconds", { given: String(ttl), allowed: ["0 to 86400"] });
  if (!(timeoutMs > 0)) wrong("timeoutMs", "must be above 0", { given: String(timeoutMs) });
  const [mark = ""] = markStrings({ cluster, addresses: [] });
  if (mark.length > 255) wrong("", "the cluster's name is too long for a TXT record");
  return [...problems, ...keyProblems(options.key)];
}

const isMarkable = (record: string) => nameProblem(markName(record)) === undefined;

function keyProblems(key: TsigKeyOptions | undefined): Problem[] {
  if (!key?.name) {
    return [
      {
        path: "key.name",
        message: "the name of the TSIG key is needed",
        hint: "make one with tsig-keygen (BIND) or keymgr -t (Knot)",
      },
    ];
  }
  const problems: Problem[] = [];
  const algorithm = algorithmOf(key);
  const wrongName = nameProblem(canonicalName(key.name));
  if (wrongName) problems.push({ path: "key.name", message: wrongName, given: key.name });
  if (!(algorithm in tsigAlgorithms)) {
    const allowed = Object.keys(tsigAlgorithms);
    const suggestion = nearest(algorithm, allowed);
    problems.push({
      path: "key.algorithm",
      message: "is no algorithm that may be used (RFC 8945)",
      given: algorithm,
      allowed,
      ...(suggestion ? { suggestion } : {}),
    });
  }
  const secret = secretOf(key);
  if (secret === undefined) {
    problems.push({
      path: "key.secret",
      message: "no secret: RFC2136_TSIG_SECRET is not set",
      hint: "set RFC2136_TSIG_SECRET or give key.secret",
      code: "AUTH_FAILED",
    });
  } else if (!isBase64(secret)) {
    // What was given is not shown: it may be a secret all the same.
    problems.push({
      path: "key.secret",
      message: "is not Base64",
      hint: "copy it as it stands in the server's configuration",
    });
  }
  return problems;
}

/** The key; call it when {@link optionProblems} found nothing wrong with it. */
export function tsigKeyOf(key: TsigKeyOptions): TsigKey {
  return {
    name: canonicalName(key.name),
    algorithm: algorithmOf(key) as TsigAlgorithm,
    secret: Buffer.from(secretOf(key) ?? "", "base64"),
  };
}

/** @throws MulticloudError `AUTH_FAILED` when there is none */
export function readSecret(key: TsigKeyOptions): string {
  const secret = secretOf(key);
  if (secret !== undefined) return secret;
  throw new MulticloudError("no TSIG secret: RFC2136_TSIG_SECRET is not set", {
    code: "AUTH_FAILED",
    service: "rfc2136",
    hint: "set RFC2136_TSIG_SECRET or give key.secret",
  });
}

const algorithmOf = ({ algorithm = "hmac-sha256" }: TsigKeyOptions): string =>
  algorithm.toLowerCase().replace(/\.$/, "");

const secretOf = ({ secret }: TsigKeyOptions) =>
  secret?.trim() || process.env.RFC2136_TSIG_SECRET?.trim() || undefined;

function isBase64(text: string): boolean {
  return /^[A-Za-z0-9+/]+={0,2}$/.test(text) && text.replace(/=+$/, "").length % 4 !== 1;
}

function unknownKeys(prefix: string, value: object, allowed: readonly string[]): Problem[] {
  return Object.keys(value)
    .filter((key) => !allowed.includes(key))
    .map((key) => {
      const suggestion = nearest(key, allowed);
      return {
        path: `${prefix}${key}`,
        message: "is not an option",
        allowed,
        ...(suggestion === undefined ? {} : { suggestion }),
      };
    });
}

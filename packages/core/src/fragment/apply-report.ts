/** What a node says of itself. Empty or 0 when it did not tell. */
export interface NodeFacts {
  /** `ID` of os-release(5), for example `debian`. */
  readonly os: string;
  /** `VERSION_ID` of os-release(5), for example `12`. */
  readonly osVersion: string;
  /** As `uname -m` prints it, for example `x86_64`. */
  readonly architecture: string;
  /** Kernel release. */
  readonly kernel: string;
  readonly memoryMiB: number;
  readonly cpus: number;
}

/** One line of the apply script's report. */
export type ApplyEvent =
  | { readonly type: "facts"; readonly facts: NodeFacts }
  /** Something slow begins, for example `packages docker.io`. */
  | { readonly type: "start"; readonly what: string }
  | { readonly type: "changed"; readonly what: string }
  | { readonly type: "warning"; readonly message: string }
  | { readonly type: "file"; readonly path: string; readonly data: Uint8Array }
  | { readonly type: "done"; readonly checked: number; readonly changed: number }
  | { readonly type: "failed"; readonly what: string; readonly code: number };

/**
 * Reads one line of the apply script's output: `@mc`, a kind and its fields, separated by tabs. Gives
 * `undefined` for any other line; never throws.
 */
export function parseApplyLine(line: string): ApplyEvent | undefined {
  const [mark, kind, ...fields] = line.replace(/\r$/, "").split("\t");
  if (mark !== "@mc") return undefined;
  const [first, second] = fields;
  switch (kind) {
    case "facts": {
      if (fields.length !== 6) return undefined;
      const [os = "", osVersion = "", architecture = "", kernel = "", memory = "", cpus = ""] = fields;
      const memoryMiB = Math.round((count(memory) ?? 0) / 1024);
      return {
        type: "facts",
        facts: { os, osVersion, architecture, kernel, memoryMiB, cpus: count(cpus) ?? 0 },
      };
    }
    case "start":
    case "changed":
      return fields.length === 1 && first ? { type: kind, what: first } : undefined;
    case "warn":
      return fields.length === 1 && first ? { type: "warning", message: first } : undefined;
    case "file":
      return fields.length === 2 && first?.startsWith("/")
        ? { type: "file", path: first, data: Buffer.from(second ?? "", "base64") }
        : undefined;
    case "done": {
      const checked = count(first);
      const changed = count(second);
      if (fields.length !== 2 || checked === undefined || changed === undefined) return undefined;
      return { type: "done", checked, changed };
    }
    case "fail": {
      const code = count(second);
      return fields.length === 2 && first && code !== undefined
        ? { type: "failed", what: first, code }
        : undefined;
    }
    default:
      return undefined;
  }
}

function count(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

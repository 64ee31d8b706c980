/** One line of RKE's output. */
export interface LogLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
  /** Part of the work that the line belongs to, as RKE puts it in front: `etcd`, `controlplane`, `certificates`. */
  readonly stage?: string;
}

// logrus writes `time="…" level=info msg="…"` when its output is no terminal (its TextFormatter).
const levels: Readonly<Record<string, LogLine["level"]>> = {
  trace: "debug",
  debug: "debug",
  info: "info",
  warning: "warn",
  error: "error",
  fatal: "error",
  panic: "error",
};

/** Reads a line of logrus; a line of any other form is a message of level `info`. Never throws. */
export function parseLogLine(line: string): LogLine {
  const fields = new Map<string, string>();
  for (const match of line.matchAll(/([A-Za-z_]+)=("(?:[^"\\]|\\.)*"|\S*)/g)) {
    const [, name = "", value = ""] = match;
    if (!fields.has(name)) fields.set(name, unquote(value));
  }
  const level = levels[fields.get("level") ?? ""];
  const message = fields.get("msg");
  return level === undefined || message === undefined
    ? { level: "info", message: line.trim() }
    : { level, message, ...stageOf(message) };
}

/** `[etcd] Building up etcd plane..`: a word in brackets at the beginning, which a host's address is not. */
function stageOf(message: string): { stage?: string } {
  const stage = /^\[([a-z][a-z-]*(?:\/[a-z-]+)?)\] /.exec(message)?.[1];
  return stage === undefined ? {} : { stage };
}

function unquote(value: string): string {
  if (!value.startsWith('"')) return value;
  try {
    const parsed: unknown = JSON.parse(value);
    if (typeof parsed === "string") return parsed;
  } catch {
    // Go escapes some characters in ways that JSON does not have.
  }
  return value.slice(1, -1).replace(/\\(["\\])/g, "$1");
}

/** The host that a message is about, as RKE writes it: `… host [203.0.113.10] …`. */
export function hostsIn(message: string): string[] {
  return [...message.matchAll(/\[([^[\]\s]+)\]/g)].map((match) => match[1] ?? "");
}

/**
 * The host that RKE goes on without: it only warns when it cannot reach one, and then exits 0. Source: RKE
 * `cluster/hosts.go`.
 */
export function droppedHost(line: LogLine): string | undefined {
  const match =
    /^(?:Removing host \[([^\]]+)\] from node lists|Failed to set up SSH tunneling for host \[([^\]]+)\])/.exec(
      line.message,
    );
  return match?.[1] ?? match?.[2];
}

/**
 * Whether RKE goes on without a part of the cluster: it only warns when the job of an addon fails, and then
 * exits 0. Source: RKE `cluster/addons.go`.
 */
export function failedJob({ level, message }: LogLine): boolean {
  return level === "warn" && /^Failed to deploy (?:DNS )?addon execute job\b/.test(message);
}

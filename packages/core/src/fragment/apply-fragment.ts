import type { FragmentReport, NodeFragment } from "../contracts/fragment.js";
import type { RemoteHost } from "../contracts/remote-host.js";
import { MulticloudError } from "../errors/multicloud-error.js";
import { redact } from "../plugin/redact.js";
import { type ApplyEvent, type NodeFacts, parseApplyLine } from "./apply-report.js";
import { renderApplyScript } from "./apply-script.js";

/** Bounds and listeners of one application. */
export interface ApplyOptions {
  readonly signal?: AbortSignal;
  /** For the whole script, package downloads included. Default 20 minutes. */
  readonly timeoutMs?: number;
  /** For errors: the node's name. Default: its address. */
  readonly node?: string;
  /** For errors: the node's site. */
  readonly site?: string;
  /** Absolute paths of files to send back with the report, as they are when all else is done. */
  readonly read?: readonly string[];
  /** Called as things happen on the node, with a sentence for people and the event behind it. Never with contents. */
  onProgress?(message: string, event: ApplyEvent): void;
}

/** What an application found and did. */
export interface ApplyResult extends FragmentReport {
  readonly facts: NodeFacts;
  /** Things that could not be made as wanted but need not stop the node, such as a kernel setting that needs a reboot. */
  readonly warnings: readonly string[];
  /** Contents of the files of `read`, by path. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** How many of the last lines that programs printed an error quotes. */
const quotedLines = 6;

/**
 * Brings a node to a fragment's state in one round trip and tells what it changed. Safe to repeat, also
 * after being cut off; a second run with the same fragment changes nothing.
 *
 * @throws MulticloudError `REMOTE_COMMAND_FAILED` with the step and the last lines of its output.
 * @throws ValidationError when the fragment is wrong in itself, before the node is touched.
 */
export async function applyFragment(
  host: RemoteHost,
  fragment: NodeFragment,
  options: ApplyOptions = {},
): Promise<ApplyResult> {
  const { signal, timeoutMs = 20 * 60_000, onProgress, read = [], site, node } = options;
  const script = renderApplyScript(fragment, { read });
  const changed: string[] = [];
  const warnings: string[] = [];
  const files = new Map<string, Uint8Array>();
  const said: string[] = [];
  let facts: NodeFacts = { os: "", osVersion: "", architecture: "", kernel: "", memoryMiB: 0, cpus: 0 };
  let done: Extract<ApplyEvent, { type: "done" }> | undefined;
  let failed: Extract<ApplyEvent, { type: "failed" }> | undefined;

  const { code, signal: killedBy } = await host.exec("sh", {
    sudo: true,
    stdin: script,
    timeoutMs,
    ...(signal && { signal }),
    onStdout(line) {
      const event = parseApplyLine(line);
      if (!event) return;
      if (event.type === "facts") facts = event.facts;
      else if (event.type === "changed") changed.push(event.what);
      else if (event.type === "warning") warnings.push(event.message);
      else if (event.type === "file") files.set(event.path, event.data);
      else if (event.type === "done") done = event;
      else if (event.type === "failed") failed = event;
      const message = describe(event);
      if (message) onProgress?.(message, event);
    },
    onStderr(line) {
      if (line.trim() === "") return;
      said.push(line);
      if (said.length > quotedLines) said.shift();
    },
  });

  if (done && code === 0 && !failed) return { checked: done.checked, changed, facts, warnings, files };
  const step = failed ? `${failed.what} failed with code ${failed.code}` : unfinished(code, killedBy);
  const quoted = said.length > 0 ? `: ${redact(said.join(" | "), [])}` : "";
  throw new MulticloudError(`Preparing ${node ?? host.address} stopped: ${step}${quoted}`, {
    code: "REMOTE_COMMAND_FAILED",
    site,
    node,
    service: "sh",
    hint: "correct the cause and run again; what was done before it is kept and not done twice",
  });
}

function describe(event: ApplyEvent): string | undefined {
  switch (event.type) {
    case "facts": {
      const { os, osVersion, architecture, memoryMiB, cpus } = event.facts;
      return `${os} ${osVersion} on ${architecture}, ${cpus} CPUs, ${memoryMiB} MiB`;
    }
    case "start":
      return event.what;
    case "changed":
      return `changed ${event.what}`;
    case "warning":
      return event.message;
    case "failed":
      return `failed ${event.what}`;
    default:
      return undefined;
  }
}

function unfinished(code: number | undefined, signal: string | undefined): string {
  if (signal) return `the script was ended by signal ${signal}`;
  if (code === 0) return "the script's report was cut off";
  return `the script ended with code ${code ?? "unknown"} before it was done`;
}

import { delay, type EngineContext, type EngineNode, MulticloudError, redact } from "@multicloud/core/plugin";
import { droppedHost, failedJob, hostsIn, parseLogLine } from "../log-line.js";
import type { Settings } from "../options.js";
import { endLeftOverRun, forgetRun, noteRun } from "./left-over.js";
import { runTool } from "./tool.js";

/** What a run of `rke` needs. */
export interface RkeRun {
  readonly context: EngineContext;
  readonly settings: Settings;
  /** The engine's directory, which holds `cluster.yml`; also the working directory. */
  readonly directory: string;
  readonly args: readonly string[];
  readonly nodes: readonly EngineNode[];
  /** Nodes that it must not go on without. Default: all. */
  readonly needed?: readonly EngineNode[];
  /** Values to cut out of what RKE says. */
  readonly secrets: readonly string[];
  readonly attempts: number;
}

/**
 * Runs `rke` until it succeeds without leaving a node out, at most `attempts` times: it goes on where it
 * stopped. Its log lines become reports.
 *
 * @throws MulticloudError `ENGINE_NODE_DROPPED` when it went on without a node, `ENGINE_FAILED` when it
 * failed, `ENGINE_TOOL_MISSING` when it cannot be started
 */
export async function runRke(run: RkeRun): Promise<void> {
  const { context, settings, directory } = run;
  const { signal } = context;
  await endLeftOverRun(directory, signal);
  for (let attempt = 1; ; attempt++) {
    const failure = await runOnce(run);
    if (!failure) return;
    if (attempt >= run.attempts) throw failure;
    context.report({
      type: "retry",
      service: "rke",
      message: failure.message,
      attempt,
      delayMs: settings.retryDelayMs,
    });
    await delay(settings.retryDelayMs, signal);
  }
}

async function runOnce(run: RkeRun): Promise<MulticloudError | undefined> {
  const { context, settings, directory, args, nodes, needed = nodes } = run;
  const byHost = nodesByHost(nodes);
  const dropped = new Map<string, string>();
  const isNeeded = (name: string | undefined) => needed.some((node) => node.name === name);
  let skipped: string | undefined;
  let lastError: string | undefined;
  try {
    const { code } = await runTool({
      binary: settings.binary,
      args,
      cwd: directory,
      signal: context.signal,
      onStart: (pid) => noteRun(directory, pid),
      onLine(text) {
        const line = parseLogLine(redact(text, run.secrets));
        const host = droppedHost(line);
        const node = host === undefined ? undefined : byHost.get(host.toLowerCase());
        if (node !== undefined && isNeeded(node)) dropped.set(node, dropped.get(node) ?? line.message);
        if (failedJob(line)) skipped ??= line.message;
        if (line.level === "error") lastError = line.message;
        report(context, line, byHost);
      },
    });
    const command = args
      .slice(
        0,
        args.findIndex((arg) => arg.startsWith("-")),
      )
      .join(" ");
    return failureOf({
      command,
      code,
      dropped,
      skipped,
      lastError: lastError && readable(lastError, byHost),
      nodes,
    });
  } finally {
    await forgetRun(directory);
  }
}

interface Outcome {
  readonly command: string;
  readonly code: number | undefined;
  /** Reasons by node. */
  readonly dropped: ReadonlyMap<string, string>;
  /** The warning with which it went on without a part of the cluster. */
  readonly skipped: string | undefined;
  readonly lastError: string | undefined;
  readonly nodes: readonly EngineNode[];
}

function failureOf(outcome: Outcome): MulticloudError | undefined {
  const { command, code, dropped, skipped, lastError, nodes } = outcome;
  const [first] = dropped;
  if (first) {
    const [node, reason] = first;
    return new MulticloudError(
      `rke ${command} went on without ${[...dropped.keys()].join(", ")}: ${reason}`,
      {
        code: "ENGINE_NODE_DROPPED",
        site: nodes.find(({ name }) => name === node)?.site,
        node,
        service: "rke",
        hint: "the login user must be in the group docker, Docker must run, and sshd must allow TCP and stream-local forwarding; then run up() again",
      },
    );
  }
  if (code === 0 && skipped !== undefined) {
    return new MulticloudError(`rke ${command} went on although a part of the cluster failed: ${skipped}`, {
      code: "ENGINE_FAILED",
      service: "rke",
      hint: "the pod of the named job in kube-system says why (kubectl -n kube-system logs -l job-name=…)",
    });
  }
  if (code === 0) return undefined;
  const how = code === undefined ? "was killed" : `ended with exit code ${code}`;
  return new MulticloudError(`rke ${command} ${how}: ${lastError ?? "it gave no reason"}`, {
    code: "ENGINE_FAILED",
    service: "rke",
    hint: hintFor(lastError ?? ""),
  });
}

function hintFor(reason: string): string {
  if (/not able to connect to the following ports/.test(reason)) {
    return "nodes reach each other over the overlay: is each of them on it, and does no firewall of a site or a node stand in between?";
  }
  if (/Etcd plane nodes are replaced/.test(reason)) {
    return "no master of the old cluster is left: restore a snapshot with operate(engine.snapshotRestore({ name })), or destroy() and up() for a new cluster";
  }
  return "RKE's log lines before this one say what it was doing; up() goes on where it stopped";
}

const longest = 600;

/** RKE's words with the nodes' names for their addresses, and not more of them than a person reads. */
function readable(text: string, byHost: ReadonlyMap<string, string>): string {
  const named = text.replace(/\b\d{1,3}(?:\.\d{1,3}){3}\b/g, (address) => byHost.get(address) ?? address);
  return named.length > longest ? `${named.slice(0, longest)}…` : named;
}

function report(
  context: EngineContext,
  line: ReturnType<typeof parseLogLine>,
  byHost: ReadonlyMap<string, string>,
): void {
  const named = new Set(hostsIn(line.message).flatMap((host) => byHost.get(host.toLowerCase()) ?? []));
  const [node] = named;
  context.report({
    type: "log",
    source: "rke",
    level: line.level === "error" ? "warn" : line.level,
    message: line.message,
    ...(line.stage === undefined ? {} : { stage: line.stage }),
    ...(named.size === 1 && node !== undefined ? { node } : {}),
  });
}

// RKE names a host by whichever of its addresses it is dealing with.
function nodesByHost(nodes: readonly EngineNode[]): ReadonlyMap<string, string> {
  return new Map(
    nodes.flatMap((node) =>
      [node.name, node.address, node.overlayAddress, node.publicAddress].flatMap((host) =>
        host === undefined ? [] : [[host.toLowerCase(), node.name] as const],
      ),
    ),
  );
}

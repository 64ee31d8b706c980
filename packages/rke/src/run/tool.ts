import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { MulticloudError } from "@multicloud/core/plugin";

/** One run of the `rke` program. */
export interface ToolRun {
  readonly binary: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly signal: AbortSignal;
  /** Each line of standard output and standard error as it comes. */
  onLine?(line: string): void;
  /** Told the process id once it runs. */
  onStart?(pid: number): void | Promise<void>;
}

/** How a run ended. */
export interface ToolResult {
  /** `undefined` when a signal ended it. */
  readonly code: number | undefined;
  readonly output: readonly string[];
}

// Part of every error about the absence of the program.
const installHint =
  'download the rke program for this machine from https://github.com/rancher/rke/releases, make it executable (chmod +x), and put it in PATH or give its path: rke({ binary: "/opt/bin/rke" })';

// What RKE itself looks at: to find ssh agent and home folder, and to fetch manifests through a proxy.
const passedOn = ["PATH", "HOME", "SSH_AUTH_SOCK", "TMPDIR", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"];
const killAfterMs = 5_000;

/**
 * Runs the program without a shell and with a minimal environment, and waits until it has ended. An abort
 * ends it (SIGTERM, five seconds later SIGKILL) and rejects with the signal's reason once it is gone.
 *
 * @throws MulticloudError `ENGINE_TOOL_MISSING` when it cannot be started
 */
export async function runTool(run: ToolRun): Promise<ToolResult> {
  run.signal.throwIfAborted();
  const names = [
    ...passedOn,
    ...passedOn.filter((name) => name.endsWith("PROXY")).map((n) => n.toLowerCase()),
  ];
  const env = Object.fromEntries(
    names.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
  const child = spawn(run.binary, [...run.args], {
    env,
    stdio: ["ignore", "pipe", "pipe"],
    ...(run.cwd === undefined ? {} : { cwd: run.cwd }),
  });
  const output: string[] = [];
  let killTimer: NodeJS.Timeout | undefined;
  const onAbort = () => {
    child.kill("SIGTERM");
    killTimer = setTimeout(() => child.kill("SIGKILL"), killAfterMs);
  };
  run.signal.addEventListener("abort", onAbort, { once: true });
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      // The end of the output is what tells why a run failed; all of a long run is not kept.
      if (output.push(line) > 200) output.shift();
      run.onLine?.(line);
    });
  }
  try {
    const ended = new Promise<number | undefined>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code) => resolve(code ?? undefined));
    });
    const started = child.pid === undefined ? undefined : run.onStart?.(child.pid);
    const [code] = await Promise.all([ended, started]);
    run.signal.throwIfAborted();
    return { code, output };
  } catch (error) {
    run.signal.throwIfAborted();
    const reason = (error as NodeJS.ErrnoException).code;
    if (reason !== "ENOENT" && reason !== "EACCES" && reason !== "ENOEXEC") throw error;
    const what = reason === "ENOENT" ? "was not found" : "cannot be executed";
    throw new MulticloudError(`the program ${run.binary} ${what}`, {
      code: "ENGINE_TOOL_MISSING",
      hint: installHint,
      cause: error,
    });
  } finally {
    clearTimeout(killTimer);
    run.signal.removeEventListener("abort", onAbort);
  }
}

/** What `rke --version` answers, for example `v1.6.2`. */
export async function toolVersion(binary: string, signal: AbortSignal): Promise<string> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(30_000)]);
  const { code, output } = await runTool({ binary, args: ["--version"], signal: limit });
  const version = /^rke version (\S+)$/m.exec(output.join("\n"))?.[1];
  if (code === 0 && version !== undefined) return version;
  throw new MulticloudError(`${binary} --version did not answer as rke does: ${output[0] ?? "(nothing)"}`, {
    code: "ENGINE_TOOL_MISSING",
    hint: installHint,
  });
}

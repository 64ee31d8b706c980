import { readFile } from "node:fs/promises";
import type { Readable, Writable } from "node:stream";
import { MulticloudError } from "@multicloud/core";
import type { ProgressOutput } from "@multicloud/core/terminal";
import { readArguments } from "./arguments.js";
import { help } from "./help.js";
import { type ImportModule, loadCluster } from "./load-cluster.js";
import { verbs } from "./verbs.js";

/** What the command works with, so that it can be embedded and tested. */
export interface CliOptions {
  /** Words after the command's name. */
  readonly argv: readonly string[];
  /** Folder in which `multicloud.config.ts` is looked for. */
  readonly cwd: string;
  /** Results. */
  readonly stdout: ProgressOutput & Pick<Writable, "write">;
  /** Progress and errors. */
  readonly stderr: ProgressOutput & Pick<Writable, "write">;
  /** Where a confirmation is typed, when it is a terminal. Default: nobody is there to confirm. */
  readonly stdin?: Readable & { readonly isTTY?: boolean };
  /** Stops the run. */
  readonly signal?: AbortSignal;
  /** Imports the configuration. Default: with TypeScript compiled by jiti. */
  readonly importModule?: ImportModule;
}

/**
 * Runs the `multicloud` command.
 *
 * @returns the exit code: 0 when all went well, 1 when the run failed, 2 when something was found wrong before anything
 *   was changed (the command line, the configuration, what the services say of it), 130 when it was stopped
 */
export async function runCli(options: CliOptions): Promise<number> {
  const { stdout, stderr, signal } = options;
  let isRunning = false;
  try {
    const given = readArguments(options.argv);
    if (given.verb === "help") {
      stdout.write(help);
      return 0;
    }
    if (given.verb === "version") {
      stdout.write(`${await version()}\n`);
      return 0;
    }
    const cluster = await loadCluster(options.cwd, given.config, options.importModule);
    isRunning = true;
    await verbs[given.verb]({ ...options, cluster, given });
    return 0;
  } catch (error) {
    stderr.write(`${describe(error)}\n`);
    if (signal?.aborted) return 130;
    return MulticloudError.isInstance(error) && isBeforeAnyChange(error, isRunning) ? 2 : 1;
  }
}

function isBeforeAnyChange(error: MulticloudError, isRunning: boolean): boolean {
  // Not by `instanceof`: the configuration may import another copy of core. A ValidationError with one problem has that
  // problem's code; an addon may find an option wrong when everything else is made.
  return error.name === "ValidationError" || (!isRunning && error.code === "CONFIG_INVALID");
}

function describe(error: unknown): string {
  if (MulticloudError.isInstance(error))
    return `${error.code}: ${error.message}${error.hint && !error.message.includes(error.hint) ? `\n${error.hint}` : ""}`;
  // What the user's own configuration throws is best told with its place.
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

async function version(): Promise<string> {
  const manifest = await readFile(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(manifest) as { version: string }).version;
}

import type { ChangeLog } from "../change-log.js";
import type { Credentials } from "../disk.js";
import type { FileView } from "../file-view.js";
import type { Host } from "../host.js";
import type { Descriptors } from "./descriptors.js";
import type { Dialect, ShellState } from "./state.js";
import type { ScriptNode } from "./syntax.js";

/** One shell process (or subshell) with all that it acts on. */
export interface Shell {
  readonly state: ShellState;
  readonly host: Host;
  readonly who: Credentials;
  readonly view: FileView;
  readonly changes: ChangeLog;
  /** Aborts when somebody kills the process. */
  readonly signal: AbortSignal;
  /** Standard output of a script run in a subshell, without trailing line feeds. */
  capture(script: ScriptNode): Promise<string>;
  /** Absolute path of something relative to the working directory. */
  resolve(path: string): string;
  /** Home directory of a user; `null` is this shell's `$HOME`. */
  home(user: string | null): string;
}

/** What a new process inherits. */
export interface ProcessStart {
  readonly who: Credentials;
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly umask: number;
  readonly descriptors: Descriptors;
  readonly changes: ChangeLog;
  readonly signal: AbortSignal;
}

/** A script to run in a new shell process. */
export interface ScriptStart {
  /** `$0`. */
  readonly name: string;
  readonly script: string;
  /** Default `dash`, as `/bin/sh` on Debian. */
  readonly dialect?: Dialect;
  readonly positional?: readonly string[];
  /** Options such as `errexit` that are on from the beginning. */
  readonly options?: readonly ("errexit" | "nounset" | "xtrace")[];
}

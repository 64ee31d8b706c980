import type { Descriptor, Descriptors } from "./descriptors.js";
import type { FunctionDefNode } from "./syntax.js";

export interface Variable {
  readonly value: string | undefined;
  readonly exported: boolean;
  readonly readonly: boolean;
}

export type OptionName = "errexit" | "nounset" | "noglob" | "pipefail" | "allexport" | "xtrace" | "noexec";

export type Dialect = "dash" | "bash";

/** What a shell process knows. A subshell gets a copy. */
export interface ShellState {
  /** `$0`. */
  name: string;
  /** Debian's `sh` is dash, which refuses what only bash knows. */
  readonly dialect: Dialect;
  positional: string[];
  readonly variables: Map<string, Variable>;
  readonly functions: Map<string, FunctionDefNode>;
  readonly options: Set<OptionName>;
  readonly descriptors: Map<number, Descriptor>;
  readonly traps: Map<string, string>;
  /** Values that `local` hid, innermost function last. */
  readonly scopes: Map<string, Variable | undefined>[];
  readonly jobs: Map<number, Promise<number>>;
  cwd: string;
  umask: number;
  /** `$?`. */
  status: number;
  /** Status of the last command substitution of the command that is being expanded. */
  captured: number | undefined;
  /** `$!`. */
  lastJob: number | undefined;
  readonly pid: number;
  /** Where `getopts` is inside a word of clustered options. */
  optionOffset: number;
}

let lastPid = 1000;

export function nextPid(): number {
  lastPid = lastPid >= 4_000_000 ? 1000 : lastPid + 1;
  return lastPid;
}

export function createState(start: {
  readonly name: string;
  readonly dialect: Dialect;
  readonly positional: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly umask: number;
  readonly descriptors: Descriptors;
}): ShellState {
  const variables = new Map<string, Variable>();
  for (const [name, value] of Object.entries(start.env))
    variables.set(name, { value, exported: true, readonly: false });
  variables.set("PWD", { value: start.cwd, exported: true, readonly: false });
  variables.set("IFS", { value: " \t\n", exported: false, readonly: false });
  variables.set("OPTIND", { value: "1", exported: false, readonly: false });
  return {
    name: start.name,
    dialect: start.dialect,
    positional: [...start.positional],
    variables,
    functions: new Map(),
    options: new Set(),
    descriptors: new Map(start.descriptors),
    traps: new Map(),
    scopes: [],
    jobs: new Map(),
    cwd: start.cwd,
    umask: start.umask,
    status: 0,
    captured: undefined,
    lastJob: undefined,
    pid: nextPid(),
    optionOffset: 0,
  };
}

/** The state of a subshell: a copy without traps and jobs, with the same `$$`. */
export function forkState(state: ShellState): ShellState {
  return {
    ...state,
    positional: [...state.positional],
    variables: new Map(state.variables),
    functions: new Map(state.functions),
    options: new Set(state.options),
    descriptors: new Map(state.descriptors),
    traps: new Map(),
    scopes: state.scopes.map((scope) => new Map(scope)),
    jobs: new Map(),
  };
}

/** The shell's own way out: `exit`, `return`, `break`, `continue`, a signal, or a fatal error. */
export class Unwind {
  constructor(
    readonly kind: "exit" | "return" | "break" | "continue" | "killed",
    readonly status: number,
    readonly levels = 1,
  ) {}
}

/** An error that ends a command (or, for an unset variable, the shell) with a message. */
export class ShellError extends Error {
  constructor(
    message: string,
    readonly status = 1,
    readonly fatal = false,
  ) {
    super(message);
  }
}

export function setVariable(state: ShellState, name: string, value: string, exported?: boolean): void {
  const old = state.variables.get(name);
  if (old?.readonly) throw new ShellError(`${name}: is read only`, 2, true);
  state.variables.set(name, {
    value,
    exported: exported ?? (old?.exported === true || state.options.has("allexport")),
    readonly: false,
  });
}

export function exportedVariables(state: ShellState): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, variable] of state.variables)
    if (variable.exported && variable.value !== undefined) env[name] = variable.value;
  return env;
}

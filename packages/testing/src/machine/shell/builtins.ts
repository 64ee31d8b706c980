import { evaluateTest } from "./conditional.js";
import { parameter } from "./expand.js";
import { formatPrintf } from "./printf.js";
import { findProgram, runProgram } from "./programs.js";
import { reason } from "./redirect.js";
import type { Shell } from "./shell.js";
import { exportedVariables, type OptionName, ShellError, setVariable, Unwind } from "./state.js";

/** A call of something that the shell does itself. */
export interface BuiltinCall {
  readonly shell: Shell;
  readonly args: readonly string[];
  /** Runs text in this shell. */
  run(text: string, tolerant?: boolean): Promise<number>;
}

type Builtin = (call: BuiltinCall) => number | Promise<number>;

/** Builtins of bash that dash does not have. */
export const bashBuiltins: ReadonlySet<string> = new Set(["source", "shopt", "declare", "typeset"]);

/** Builtins whose `name=value` arguments are assignments. */
export const declaring: ReadonlySet<string> = new Set(["export", "readonly", "local", "declare", "typeset"]);

const print = async (shell: Shell, text: string | Buffer): Promise<number> => {
  const sink = shell.state.descriptors.get(1)?.sink;
  if (!sink) throw new ShellError("write error: Bad file descriptor", 1);
  await sink.write(Buffer.from(text as Buffer));
  return 0;
};
const count = (text: string | undefined, fallback: number) =>
  text === undefined ? fallback : Number.parseInt(text, 10);

const optionLetters: Readonly<Record<string, OptionName>> = {
  e: "errexit",
  u: "nounset",
  f: "noglob",
  a: "allexport",
  x: "xtrace",
  n: "noexec",
};

function declare(
  shell: Shell,
  args: readonly string[],
  flags: { exported?: boolean; readonly?: boolean },
): number {
  for (const arg of args.filter((one) => !/^-[a-z]+$/.test(one))) {
    const at = arg.indexOf("=");
    const name = at < 0 ? arg : arg.slice(0, at);
    if (!/^[A-Za-z_]\w*$/.test(name)) throw new ShellError(`${name}: bad variable name`, 2);
    const old = shell.state.variables.get(name);
    if (old?.readonly && at >= 0) throw new ShellError(`${name}: is read only`, 2, true);
    shell.state.variables.set(name, {
      value: at < 0 ? old?.value : arg.slice(at + 1),
      exported: flags.exported ?? old?.exported ?? false,
      readonly: flags.readonly ?? old?.readonly ?? false,
    });
  }
  return 0;
}

function setOptions({ shell, args }: BuiltinCall): number {
  const { state } = shell;
  for (let index = 0; index < args.length; index += 1) {
    const arg = args[index] as string;
    if (arg === "--") {
      state.positional = args.slice(index + 1);
      return 0;
    }
    if (!/^[-+]./.test(arg)) {
      state.positional = args.slice(index);
      return 0;
    }
    const on = arg[0] === "-";
    for (const letter of arg.slice(1)) {
      const option = letter === "o" ? (args[++index] as OptionName | undefined) : optionLetters[letter];
      if (option === "pipefail" && state.dialect === "dash")
        throw new ShellError("set: Illegal option -o pipefail", 2, true);
      if (option && on) state.options.add(option);
      else if (option) state.options.delete(option);
    }
  }
  return 0;
}

async function readLine({ shell, args }: BuiltinCall): Promise<number> {
  const names = [...args];
  let raw = false;
  while (names[0]?.startsWith("-")) {
    const flag = names.shift() as string;
    if (flag.includes("r")) raw = true;
    if (/[pntdu]$/.test(flag)) names.shift();
  }
  const source = shell.state.descriptors.get(0)?.source;
  let text = "";
  let complete = false;
  while (!complete) {
    const line = (await source?.readLine())?.toString("utf8");
    if (line === undefined) break;
    complete = line.endsWith("\n");
    const body = complete ? line.slice(0, -1) : line;
    if (!raw && complete && /(^|[^\\])(\\\\)*\\$/.test(body)) {
      text += body.slice(0, -1);
      complete = false;
    } else text += body;
  }
  const value = raw ? text : text.replace(/\\(.)/g, "$1");
  const ifs = shell.state.variables.get("IFS")?.value ?? " \t\n";
  const fields = splitRead(value, ifs, Math.max(names.length, 1));
  for (const [index, name] of (names.length > 0 ? names : ["REPLY"]).entries())
    setVariable(shell.state, name, fields[index] ?? "");
  return complete ? 0 : 1;
}

/** Field splitting as `read` does it: the last name takes the rest. */
function splitRead(text: string, ifs: string, names: number): string[] {
  const blank = (character: string | undefined) =>
    character !== undefined && ifs.includes(character) && " \t\n".includes(character);
  let at = 0;
  const fields: string[] = [];
  while (blank(text[at])) at += 1;
  while (fields.length < names - 1 && at < text.length) {
    const start = at;
    while (at < text.length && !ifs.includes(text[at] as string)) at += 1;
    fields.push(text.slice(start, at));
    while (blank(text[at])) at += 1;
    if (at < text.length && ifs.includes(text[at] as string)) {
      at += 1;
      while (blank(text[at])) at += 1;
    }
  }
  let rest = text.slice(at);
  while (rest !== "" && blank(rest.at(-1))) rest = rest.slice(0, -1);
  if (
    names > 1 &&
    rest.length > 0 &&
    ifs.includes(rest.at(-1) as string) &&
    ![...rest.slice(0, -1)].some((one) => ifs.includes(one))
  )
    rest = rest.slice(0, -1);
  fields.push(rest);
  return fields;
}

async function getopts({ shell, args }: BuiltinCall): Promise<number> {
  const [specification = "", name = "opt", ...given] = args;
  const { state } = shell;
  const words = given.length > 0 ? given : state.positional;
  let index = Number(state.variables.get("OPTIND")?.value ?? 1);
  const word = words[index - 1];
  const offset = state.optionOffset || 1;
  const done = () => {
    state.optionOffset = 0;
    setVariable(state, "OPTIND", String(index));
  };
  if (word === undefined || !/^-./.test(word) || word === "--") {
    if (word === "--") index += 1;
    done();
    setVariable(state, name, "?");
    return 1;
  }
  const letter = word[offset] as string;
  const at = specification.replace(/^:/, "").indexOf(letter);
  const takesValue = specification.replace(/^:/, "")[at + 1] === ":";
  const clustered = word.slice(offset + 1);
  if (at >= 0 && takesValue) {
    const value = clustered === "" ? words[index] : clustered;
    index += clustered === "" ? 2 : 1;
    done();
    if (value === undefined) {
      setVariable(state, name, specification.startsWith(":") ? ":" : "?");
      setVariable(state, "OPTARG", letter);
      return 0;
    }
    setVariable(state, "OPTARG", value);
  } else if (clustered === "") {
    index += 1;
    done();
  } else state.optionOffset = offset + 1;
  setVariable(state, name, at >= 0 ? letter : "?");
  if (at < 0) setVariable(state, "OPTARG", letter);
  return 0;
}

async function describeCommand(shell: Shell, name: string, verbose: boolean): Promise<number> {
  if (shell.state.functions.has(name))
    return print(shell, verbose ? `${name} is a shell function\n` : `${name}\n`);
  if (builtins[name]) return print(shell, verbose ? `${name} is a shell builtin\n` : `${name}\n`);
  const found = findProgram(shell, name);
  if (found.kind !== "found") return 127;
  return print(shell, verbose ? `${name} is ${found.path}\n` : `${found.path}\n`);
}

async function source({ shell, args, run }: BuiltinCall): Promise<number> {
  const [file = ""] = args;
  let text: string;
  try {
    text = await shell.view.readFile(shell.resolve(file));
  } catch (error) {
    throw new ShellError(`.: cannot open ${file}: ${reason(error)}`, 2, true);
  }
  try {
    return await run(text);
  } catch (error) {
    if (error instanceof Unwind && error.kind === "return") return error.status;
    throw error;
  }
}

async function changeDirectory({ shell, args }: BuiltinCall): Promise<number> {
  const [given] = args.filter((arg) => !/^-[LP]$/.test(arg) && arg !== "--");
  const target =
    given === "-" ? (shell.state.variables.get("OLDPWD")?.value ?? "/") : (given ?? shell.home(null));
  const path = shell.resolve(target);
  const inode = shell.host.disk.find(path, shell.who);
  if (inode?.type !== "directory") throw new ShellError(`cd: can't cd to ${target}`, 2);
  setVariable(shell.state, "OLDPWD", shell.state.cwd);
  shell.state.cwd = path;
  setVariable(shell.state, "PWD", path);
  return 0;
}

async function wait({ shell, args }: BuiltinCall): Promise<number> {
  const wanted = args.length > 0 ? args.map(Number) : [...shell.state.jobs.keys()];
  let status = 0;
  for (const pid of wanted) {
    const job = shell.state.jobs.get(pid);
    status = job ? await job : 127;
    shell.state.jobs.delete(pid);
  }
  return args.length > 0 ? status : 0;
}

function trap({ shell, args }: BuiltinCall): number {
  const [first = "", ...names] = args.filter((arg) => arg !== "--");
  const signals = names.length > 0 ? names : [first];
  for (const signal of signals) {
    const name = signal === "0" ? "EXIT" : signal.replace(/^SIG/, "").toUpperCase();
    if (first === "-" || names.length === 0) shell.state.traps.delete(name);
    else shell.state.traps.set(name, first);
  }
  return 0;
}

function umask({ shell, args }: BuiltinCall): number | Promise<number> {
  const [mask] = args;
  if (mask === undefined || mask === "-S")
    return print(shell, `${shell.state.umask.toString(8).padStart(4, "0")}\n`);
  if (!/^[0-7]+$/.test(mask)) throw new ShellError(`umask: Illegal mode: ${mask}`, 2);
  shell.state.umask = Number.parseInt(mask, 8) & 0o777;
  shell.view.umask = shell.state.umask;
  return 0;
}

const test: Builtin = ({ shell, args }) => (evaluateTest(shell, args) ? 0 : 1);

/** What the shell does itself. `exec` is done by the interpreter. */
export const builtins: Readonly<Record<string, Builtin>> = Object.assign(
  Object.create(null) as Record<string, Builtin>,
  {
    ":": () => 0,
    true: () => 0,
    false: () => 1,
    exec: () => 0,
    ".": source,
    source,
    "[": ({ shell, args }: BuiltinCall) => {
      if (args.at(-1) !== "]") throw new ShellError("[: missing ]", 2);
      return evaluateTest(shell, args.slice(0, -1)) ? 0 : 1;
    },
    test,
    alias: () => 0,
    unalias: () => 0,
    hash: () => 0,
    ulimit: ({ shell }: BuiltinCall) => print(shell, "unlimited\n"),
    times: () => 0,
    shopt: () => 0,
    cd: changeDirectory,
    pwd: ({ shell }: BuiltinCall) => print(shell, `${shell.state.cwd}\n`),
    echo: ({ shell, args }: BuiltinCall) => {
      const isDash = shell.state.dialect === "dash";
      const noLineFeed = args[0] === "-n";
      const escapes = !isDash && args[0] === "-e";
      const text = args.slice(noLineFeed || escapes ? 1 : 0).join(" ");
      const bytes = escapes || isDash ? formatPrintf("%b", [text]).bytes : Buffer.from(text);
      return print(shell, Buffer.concat([bytes, Buffer.from(noLineFeed ? "" : "\n")]));
    },
    printf: async ({ shell, args }: BuiltinCall) => {
      const [format, ...values] = args[0] === "--" ? args.slice(1) : args;
      if (format === undefined) throw new ShellError("printf: usage: printf format [arg ...]", 2);
      const { bytes, error } = formatPrintf(format, values);
      await print(shell, bytes);
      if (error) throw new ShellError(error, 1);
      return 0;
    },
    eval: ({ args, run }: BuiltinCall) => (args.length > 0 ? run(args.join(" ")) : 0),
    exit: ({ shell, args }: BuiltinCall) => {
      throw new Unwind("exit", count(args[0], shell.state.status) & 255);
    },
    return: ({ shell, args }: BuiltinCall) => {
      throw new Unwind("return", count(args[0], shell.state.status) & 255);
    },
    break: ({ args }: BuiltinCall) => {
      throw new Unwind("break", 0, count(args[0], 1));
    },
    continue: ({ args }: BuiltinCall) => {
      throw new Unwind("continue", 0, count(args[0], 1));
    },
    export: ({ shell, args }: BuiltinCall) =>
      args[0] === "-p" || args.length === 0
        ? print(
            shell,
            Object.entries(exportedVariables(shell.state))
              .map(([name, value]) => `export ${name}='${value}'\n`)
              .join(""),
          )
        : declare(shell, args, { exported: true }),
    readonly: ({ shell, args }: BuiltinCall) => declare(shell, args, { readonly: true }),
    declare: ({ shell, args }: BuiltinCall) => declare(shell, args, {}),
    typeset: ({ shell, args }: BuiltinCall) => declare(shell, args, {}),
    local: ({ shell, args }: BuiltinCall) => {
      const scope = shell.state.scopes.at(-1);
      if (!scope) throw new ShellError("local: not in a function", 2);
      for (const arg of args) {
        const name = arg.split("=")[0] as string;
        if (!scope.has(name)) scope.set(name, shell.state.variables.get(name));
      }
      return declare(shell, args, {});
    },
    unset: ({ shell, args }: BuiltinCall) => {
      for (const name of args.filter((arg) => !arg.startsWith("-"))) {
        if (args[0] === "-f") shell.state.functions.delete(name);
        else if (shell.state.variables.get(name)?.readonly)
          throw new ShellError(`unset: ${name}: is read only`, 2);
        else if (!shell.state.variables.delete(name)) shell.state.functions.delete(name);
      }
      return 0;
    },
    set: setOptions,
    shift: ({ shell, args }: BuiltinCall) => {
      const by = count(args[0], 1);
      if (by > shell.state.positional.length) throw new ShellError("shift: can't shift that many", 2, true);
      shell.state.positional = shell.state.positional.slice(by);
      return 0;
    },
    read: readLine,
    getopts,
    wait,
    trap,
    umask,
    type: async ({ shell, args }: BuiltinCall) => {
      const [name = ""] = args;
      const status = await describeCommand(shell, name, true);
      if (status !== 0) await print(shell, `${name}: not found\n`);
      return status;
    },
    command: ({ shell, args }: BuiltinCall) => {
      const words = args.filter((arg, index) => !(index === 0 && arg === "-p"));
      if (words[0] === "-v" || words[0] === "-V")
        return describeCommand(shell, words[1] ?? "", words[0] === "-V");
      const [name, ...rest] = words;
      if (name === undefined) return 0;
      const builtin = builtins[name];
      return builtin
        ? builtin({ shell, args: rest, run: async () => 0 })
        : runProgram(shell, words, exportedVariables(shell.state));
    },
    kill: async ({ shell, args }: BuiltinCall) => {
      const hangUp = /^-(HUP|1|SIGHUP)$/.test(args[0] ?? "") || (args[0] === "-s" && args[1] === "HUP");
      const pids = args.filter((arg) => /^\d+$/.test(arg));
      if (hangUp && pids.includes(shell.host.sshdPid()) && shell.host.reloadSsh())
        await shell.changes.record("host-key", "update", "ssh");
      return args[0] === "-0" && parameter(shell, "$") !== pids[0] ? 1 : 0;
    },
  },
);

import { type Inode, mayAccess } from "../disk.js";
import type { Command, CommandCall } from "../host.js";
import { createSource, type Descriptors, sourceOf } from "./descriptors.js";
import { reason } from "./redirect.js";
import type { Shell } from "./shell.js";
import { runUtility } from "./utilities.js";

/** Content of a file in `/usr/bin` that stands for a program of the sandbox. */
export const programMarker = (name: string) => `#!sandbox ${name}\n`;

type Found =
  | { readonly kind: "found"; readonly path: string; readonly inode: Inode }
  | { readonly kind: "missing" }
  | { readonly kind: "denied" };

/** Looks a program up as `execvp` does. */
export function findProgram(shell: Shell, name: string, env?: Readonly<Record<string, string>>): Found {
  const { disk } = shell.host;
  const look = (path: string): Found => {
    try {
      const inode = disk.find(path, shell.who);
      if (!inode) return { kind: "missing" };
      if (inode.type !== "file" || !mayAccess(inode, shell.who, 1)) return { kind: "denied" };
      return { kind: "found", path, inode };
    } catch {
      return { kind: "denied" };
    }
  };
  if (name.includes("/")) return look(shell.resolve(name));
  let result: Found = { kind: "missing" };
  for (const directory of (env?.PATH ?? shell.state.variables.get("PATH")?.value ?? "/usr/bin").split(":")) {
    const found = look(shell.resolve(`${directory || "."}/${name}`));
    if (found.kind === "found") return found;
    if (found.kind === "denied") result = found;
  }
  return result;
}

/** Runs a program with the shell's descriptors. Returns its exit code; 127 when there is none, 126 when it may not be run. */
export async function runProgram(
  shell: Shell,
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<number> {
  const [name = "", ...args] = argv;
  const found = findProgram(shell, name, env);
  const complain = (text: string) => shell.state.descriptors.get(2)?.sink?.write(Buffer.from(text));
  if (found.kind === "missing") {
    await complain(`${shellName(shell)}: ${name}: not found\n`);
    return 127;
  }
  if (found.kind === "denied") {
    await complain(`${shellName(shell)}: ${name}: Permission denied\n`);
    return 126;
  }
  const text = Buffer.from(found.inode.content).toString("utf8");
  const program = /^#!sandbox (\S+)\n$/.exec(text)?.[1];
  if (program === undefined) {
    const interpreter = /^#!\s*(\S+)/.exec(text)?.[1] ?? "/bin/sh";
    if (!/(^|\/)(sh|bash|dash|env)$/.test(interpreter)) {
      await complain(`${shellName(shell)}: ${name}: cannot run ${interpreter} in the sandbox\n`);
      return 126;
    }
    return shell.host.startShell(
      { ...inherit(shell), env },
      {
        name: found.path,
        script: text,
        positional: args,
        dialect: interpreter.endsWith("bash") ? "bash" : "dash",
      },
    );
  }
  shell.view.umask = shell.state.umask;
  const command = shell.host.command(program);
  if (!command) return runUtility(shell, program, args, env, runProgram);
  return runCommand(shell, command, { name, args, env });
}

const shellName = (shell: Shell) => shell.state.name.replace(/^.*\//, "");

/** What a child process gets from this shell. */
export function inherit(shell: Shell) {
  const { who, changes, signal, state } = shell;
  return {
    who,
    changes,
    signal,
    cwd: state.cwd,
    umask: state.umask,
    descriptors: state.descriptors as Descriptors,
  };
}

/** Runs one of the sandbox's own programs. */
async function runCommand(
  shell: Shell,
  command: Command,
  start: {
    readonly name: string;
    readonly args: readonly string[];
    readonly env: Readonly<Record<string, string>>;
  },
): Promise<number> {
  const { descriptors } = shell.state;
  const write = (fd: number, data: string | Uint8Array | undefined) =>
    data !== undefined && data.length > 0
      ? descriptors.get(fd)?.sink?.write(Buffer.from(data as Uint8Array))
      : undefined;
  const call: CommandCall = {
    ...start,
    shell,
    host: shell.host,
    who: shell.who,
    view: shell.view,
    changes: shell.changes,
    signal: shell.signal,
    input: async () =>
      (await (descriptors.get(0)?.source ?? createSource(async () => undefined)).readAll()) ??
      Buffer.alloc(0),
    path: (path) => shell.resolve(path),
    run: (argv, overrides = {}) => {
      const child =
        overrides.stdin === undefined
          ? shell
          : {
              ...shell,
              state: {
                ...shell.state,
                descriptors: new Map(descriptors).set(0, { source: sourceOf(overrides.stdin) }),
              },
            };
      const stopped = overrides.signal
        ? { ...child, signal: AbortSignal.any([shell.signal, overrides.signal]) }
        : child;
      return runProgram(stopped, argv, overrides.env ?? start.env);
    },
    print: async (text) => {
      await write(1, text);
    },
  };
  try {
    const { code = 0, stdout, stderr } = await command(call);
    await write(1, stdout);
    await write(2, stderr);
    return code;
  } catch (error) {
    if (!(error instanceof Error) || (error as NodeJS.ErrnoException).code === undefined) throw error;
    const { path } = error as NodeJS.ErrnoException;
    await write(2, `${start.name}: ${path ? `'${path}': ` : ""}${reason(error)}\n`);
    return 1;
  }
}

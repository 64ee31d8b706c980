import {
  Bash,
  type CommandName,
  decodeBytesToUtf8,
  defineCommand,
  latin1FromBytes,
  stdoutAsBytes,
  unsafeBytesFromLatin1,
} from "just-bash";
import { createCollector, sourceOf } from "./descriptors.js";
import type { Shell } from "./shell.js";

/** Text and file utilities that just-bash brings; the shell language around them is ours. */
export const utilities: readonly CommandName[] = [
  "awk",
  "basename",
  "column",
  "comm",
  "cut",
  "diff",
  "dirname",
  "du",
  "egrep",
  "expand",
  "expr",
  "fgrep",
  "file",
  "find",
  "fold",
  "grep",
  "gunzip",
  "gzip",
  "join",
  "ln",
  "nl",
  "od",
  "paste",
  "printenv",
  "readlink",
  "rev",
  "rm",
  "rmdir",
  "sed",
  "seq",
  "sort",
  "split",
  "strings",
  "tac",
  "tar",
  "touch",
  "tr",
  "tree",
  "unexpand",
  "uniq",
  "which",
  "xargs",
  "zcat",
  "jq",
];

const shells = new WeakMap<Shell["view"], Bash>();

type Run = (shell: Shell, argv: readonly string[], env: Readonly<Record<string, string>>) => Promise<number>;

/** Runs a utility with the shell's descriptors. `run` runs the programs that it starts (`find -exec`, `xargs`). */
export async function runUtility(
  shell: Shell,
  name: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  run: Run,
): Promise<number> {
  const { descriptors } = shell.state;
  // These never look at standard input, which may be a connection that nobody closes.
  const readsInput =
    !/^(basename|dirname|du|expr|file|find|ln|printenv|readlink|rm|rmdir|seq|touch|tree|which)$/.test(name);
  const exists = (arg: string) =>
    !arg.startsWith("-") && shell.host.disk.find(shell.resolve(arg)) !== undefined;
  const namesFiles = !/^(tr|xargs)$/.test(name) && !args.includes("-") && args.some(exists);
  const input = readsInput && !namesFiles ? await descriptors.get(0)?.source?.readAll() : undefined;
  const result = await interpreter(shell, run).exec(name, {
    args: [...args],
    cwd: shell.state.cwd,
    env: { ...env },
    replaceEnv: true,
    stdin: (input ?? Buffer.alloc(0)).toString("latin1"),
    stdinKind: "bytes",
    signal: shell.signal,
  });
  if (result.stdout !== "")
    await descriptors.get(1)?.sink?.write(Buffer.from(latin1FromBytes(stdoutAsBytes(result)), "latin1"));
  if (result.stderr !== "")
    await descriptors.get(2)?.sink?.write(Buffer.from(result.stderr.replace(/^bash: /, "sh: ")));
  return result.exitCode;
}

/** One interpreter a view, made when first needed. `find -exec` and `xargs` find our programs in it. */
function interpreter(shell: Shell, run: Run): Bash {
  const known = shells.get(shell.view);
  if (known) return known;
  const made = new Bash({
    fs: shell.view,
    commands: [...utilities],
    defenseInDepth: false,
    customCommands: shell.host.commandNames().map((name) =>
      defineCommand(name, async (args, context) => {
        const [output, errors] = [createCollector(), createCollector()];
        const descriptors = new Map([
          [0, { source: sourceOf(Buffer.from(latin1FromBytes(context.stdin), "latin1")) }],
          [1, { sink: output }],
          [2, { sink: errors }],
        ]);
        const child = { ...shell, state: { ...shell.state, descriptors } };
        const exitCode = await run(child, [name, ...args], context.exportedEnv ?? {});
        const bytes = unsafeBytesFromLatin1(output.bytes().toString("latin1"));
        return { stdout: decodeBytesToUtf8(bytes), stderr: errors.bytes().toString("utf8"), exitCode };
      }),
    ),
  });
  shells.set(shell.view, made);
  return made;
}

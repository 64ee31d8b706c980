import { setImmediate as nextTurn } from "node:timers/promises";
import { bashBuiltins, builtins, declaring } from "./builtins.js";
import { type ConditionalScope, evaluateConditional } from "./conditional.js";
import { createCollector, nullDescriptor, sourceOf } from "./descriptors.js";
import { evaluateArithmetic, expandPattern, expandString, expandWords } from "./expand.js";
import { patternToRegExp } from "./pattern.js";
import { runProgram } from "./programs.js";
import { redirect } from "./redirect.js";
import type { Shell } from "./shell.js";
import {
  exportedVariables,
  forkState,
  nextPid,
  ShellError,
  setVariable,
  Unwind,
  type Variable,
} from "./state.js";
import {
  type AssignmentNode,
  type CommandNode,
  type FunctionDefNode,
  type PipelineNode,
  parseScript,
  type ScriptNode,
  type SimpleCommandNode,
  type StatementNode,
  type WordNode,
} from "./syntax.js";

/** How many commands run before the event loop gets a turn: a busy loop in a script must not stop the sandbox. */
const commandsPerTurn = 100;
let commandsThisTurn = 0;

/** Runs a script in this shell. `tolerant` is the state of everything whose failure is looked at (`if`, `&&`, `!`): errexit does not apply. */
async function runScript(shell: Shell, script: ScriptNode, tolerant = false): Promise<number> {
  return runStatements(shell, script.statements, tolerant);
}

/** Runs text as a whole process or subshell does: to its end, its `exit` and its EXIT trap. */
export async function runToExit(
  shell: Shell,
  script: ScriptNode | readonly StatementNode[],
  tolerant = false,
): Promise<number> {
  const statements = "statements" in script ? script.statements : script;
  let status = await catchExit(shell, () => runStatements(shell, statements, tolerant));
  const trap = shell.state.traps.get("EXIT");
  if (trap) {
    shell.state.traps.delete("EXIT");
    shell.state.status = status;
    const left = await catchExit(shell, async () => {
      await runScript(shell, parseScript(trap), true);
      return status;
    });
    status = left;
  }
  return status;
}

async function catchExit(shell: Shell, work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Unwind && error.kind !== "killed") return error.status;
    if (error instanceof ShellError) {
      await complain(shell, error.message);
      return error.status;
    }
    throw error;
  }
}

export async function complain(shell: Shell, message: string): Promise<void> {
  await shell.state.descriptors
    .get(2)
    ?.sink?.write(Buffer.from(`${shell.state.name.replace(/^.*\//, "")}: 1: ${message}\n`));
}

/** A copy of the shell, as `fork` makes it. */
function forkShell(shell: Shell): Shell {
  return createShell({ ...shell, state: forkState(shell.state) });
}

/** Completes a shell with what only the interpreter can do. */
export function createShell(base: Omit<Shell, "capture" | "resolve" | "home">): Shell {
  const shell: Shell = {
    ...base,
    async capture(script) {
      const output = createCollector();
      const child = forkShell(shell);
      child.state.descriptors.set(1, { sink: output });
      child.state.traps.clear();
      const status = await runToExit(child, script);
      shell.state.status = status;
      shell.state.captured = status;
      return output.bytes().toString("utf8").replace(/\0/g, "").replace(/\n+$/, "");
    },
    resolve: (path) => shell.view.resolvePath(shell.state.cwd, path),
    home: (user) =>
      user === null || user === ""
        ? (shell.state.variables.get("HOME")?.value ?? "/")
        : (shell.host.accounts.user(user)?.home ?? `~${user}`),
  };
  return shell;
}

async function runStatements(
  shell: Shell,
  statements: readonly StatementNode[],
  tolerant: boolean,
): Promise<number> {
  let status = 0;
  for (const statement of statements) status = await runStatement(shell, statement, tolerant);
  return status;
}

async function runStatement(shell: Shell, statement: StatementNode, tolerant: boolean): Promise<number> {
  if (statement.deferredError)
    throw new ShellError(`Syntax error: ${statement.deferredError.message}`, 2, true);
  if (shell.signal.aborted) throw new Unwind("killed", 143);
  commandsThisTurn += 1;
  if (commandsThisTurn >= commandsPerTurn) {
    commandsThisTurn = 0;
    await nextTurn();
  }
  if (!statement.background) return runList(shell, statement, tolerant);
  const child = forkShell(shell);
  child.state.descriptors.set(0, nullDescriptor);
  const pid = nextPid();
  const job = catchExit(child, () => runList(child, statement, tolerant)).catch(() => 143);
  shell.state.jobs.set(pid, job);
  shell.state.lastJob = pid;
  shell.state.status = 0;
  return 0;
}

async function runList(shell: Shell, statement: StatementNode, tolerant: boolean): Promise<number> {
  const last = statement.pipelines.length - 1;
  let status = 0;
  for (const [index, pipeline] of statement.pipelines.entries()) {
    const operator = index === 0 ? undefined : statement.operators[index - 1];
    if ((operator === "&&" && status !== 0) || (operator === "||" && status === 0)) continue;
    const looked = tolerant || index < last || pipeline.negated;
    status = await runPipeline(shell, pipeline, looked);
    shell.state.status = status;
    if (status !== 0 && !looked && shell.state.options.has("errexit") && failsAlone(pipeline))
      throw new Unwind("exit", status);
  }
  return status;
}

/** Whether a failure of it counts: those inside a group, `if` or loop have counted already, or were looked at. */
function failsAlone(pipeline: PipelineNode): boolean {
  const type = pipeline.commands[0]?.type;
  return (
    pipeline.commands.length > 1 ||
    type === "SimpleCommand" ||
    type === "Subshell" ||
    type === "ArithmeticCommand" ||
    type === "ConditionalCommand"
  );
}

async function runPipeline(shell: Shell, pipeline: PipelineNode, tolerant: boolean): Promise<number> {
  let status = 0;
  if (pipeline.commands.length === 1) {
    status = await runCommand(shell, pipeline.commands[0] as CommandNode, tolerant);
  } else {
    // One after the other: what a stage prints is there when the next one starts.
    let input = shell.state.descriptors.get(0);
    const statuses: number[] = [];
    for (const [index, command] of pipeline.commands.entries()) {
      const child = forkShell(shell);
      if (input) child.state.descriptors.set(0, input);
      const output = createCollector();
      if (index < pipeline.commands.length - 1) {
        child.state.descriptors.set(1, { sink: output });
        if (pipeline.pipeStderr?.[index]) child.state.descriptors.set(2, { sink: output });
      }
      statuses.push(await catchExit(child, () => runCommand(child, command, tolerant)));
      input = { source: sourceOf(output.bytes()) };
    }
    const failed = statuses.filter((one) => one !== 0).at(-1);
    status = shell.state.options.has("pipefail") && failed !== undefined ? failed : (statuses.at(-1) ?? 0);
  }
  return pipeline.negated ? (status === 0 ? 1 : 0) : status;
}

async function runCommand(shell: Shell, command: CommandNode, tolerant: boolean): Promise<number> {
  if (command.type === "SimpleCommand") return runSimple(shell, command, tolerant);
  if (command.type === "FunctionDef") {
    shell.state.functions.set(command.name, command);
    return 0;
  }
  let undo: () => Promise<void>;
  try {
    undo = await redirect(shell, command.redirections);
  } catch (error) {
    if (!(error instanceof ShellError) || error.fatal) throw error;
    await complain(shell, error.message);
    return error.status;
  }
  try {
    return await runCompound(shell, command, tolerant);
  } finally {
    await undo();
  }
}

async function runCompound(
  shell: Shell,
  command: Exclude<CommandNode, SimpleCommandNode | FunctionDefNode>,
  tolerant: boolean,
): Promise<number> {
  switch (command.type) {
    case "Group":
      return runStatements(shell, command.body, tolerant);
    case "Subshell":
      return runToExit(forkShell(shell), command.body, tolerant);
    case "If": {
      for (const clause of command.clauses)
        if ((await runStatements(shell, clause.condition, true)) === 0)
          return runStatements(shell, clause.body, tolerant);
      return command.elseBody ? runStatements(shell, command.elseBody, tolerant) : 0;
    }
    case "While":
    case "Until": {
      const wanted = command.type === "While";
      return runLoop(
        async () => ((await runStatements(shell, command.condition, true)) === 0) === wanted,
        () => runStatements(shell, command.body, tolerant),
      );
    }
    case "For": {
      const values = command.words ? await expandWords(shell, command.words) : [...shell.state.positional];
      return runLoop(
        async () => {
          const value = values.shift();
          if (value === undefined) return false;
          setVariable(shell.state, command.variable, value);
          return true;
        },
        () => runStatements(shell, command.body, tolerant),
      );
    }
    case "CStyleFor": {
      if (command.init) await evaluateArithmetic(shell, command.init);
      const { condition, update } = command;
      let first = true;
      return runLoop(
        async () => {
          if (!first && update) await evaluateArithmetic(shell, update);
          first = false;
          return condition ? (await evaluateArithmetic(shell, condition)) !== 0 : true;
        },
        () => runStatements(shell, command.body, tolerant),
      );
    }
    case "Case": {
      const word = await expandString(shell, command.word);
      let matched = false;
      let status = 0;
      for (const item of command.items) {
        if (!matched) {
          for (const pattern of item.patterns)
            matched ||= patternToRegExp(await expandPattern(shell, pattern)).test(word);
          if (!matched) continue;
        }
        status = await runStatements(shell, item.body, tolerant);
        if (item.terminator === ";;") return status;
        matched = item.terminator === ";&";
      }
      return status;
    }
    case "ArithmeticCommand":
      if (shell.state.dialect === "dash") return lacking(shell, "((");
      return (await evaluateArithmetic(shell, command.expression)) === 0 ? 1 : 0;
    case "ConditionalCommand": {
      if (shell.state.dialect === "dash") return lacking(shell, "[[");
      const scope: ConditionalScope = {
        shell,
        string: (word) => expandString(shell, word),
        pattern: (word) => expandPattern(shell, word),
      };
      return (await evaluateConditional(command.expression, scope)) ? 0 : 1;
    }
  }
}

async function lacking(shell: Shell, name: string): Promise<number> {
  await complain(shell, `${name}: not found`);
  return 127;
}

async function runLoop(goesOn: () => Promise<boolean>, body: () => Promise<number>): Promise<number> {
  let status = 0;
  while (true) {
    try {
      if (!(await goesOn())) return status;
      status = await body();
    } catch (error) {
      if (!(error instanceof Unwind) || (error.kind !== "break" && error.kind !== "continue")) throw error;
      if (error.levels > 1) throw new Unwind(error.kind, 0, error.levels - 1);
      if (error.kind === "break") return 0;
    }
  }
}

async function runSimple(shell: Shell, command: SimpleCommandNode, tolerant: boolean): Promise<number> {
  try {
    return await runSimpleOrThrow(shell, command, tolerant);
  } catch (error) {
    if (!(error instanceof ShellError) || error.fatal) throw error;
    await complain(shell, error.message);
    return error.status;
  }
}

async function runSimpleOrThrow(
  shell: Shell,
  command: SimpleCommandNode,
  tolerant: boolean,
): Promise<number> {
  const { state } = shell;
  state.captured = undefined;
  const [name, ...args] = command.name ? await expandCommand(shell, command.name, command.args) : [];
  const undo = await redirect(shell, command.redirections);
  let keep = false;
  try {
    if (name === undefined) {
      for (const assignment of command.assignments) await assign(shell, assignment);
      return state.captured ?? 0;
    }
    if (state.options.has("xtrace"))
      await shell.state.descriptors.get(2)?.sink?.write(Buffer.from(`+ ${[name, ...args].join(" ")}\n`));
    const defined = state.functions.get(name);
    const builtin = state.dialect === "dash" && bashBuiltins.has(name) ? undefined : builtins[name];
    if (!defined && !builtin) {
      const env = exportedVariables(state);
      for (const assignment of command.assignments)
        env[assignment.name] = assignment.value ? await expandString(shell, assignment.value) : "";
      return await runProgram(shell, [name, ...args], env);
    }
    const hidden = new Map<string, Variable | undefined>();
    for (const assignment of command.assignments) {
      hidden.set(assignment.name, state.variables.get(assignment.name));
      await assign(shell, assignment, true);
    }
    try {
      if (defined) return await callFunction(shell, defined, args, tolerant);
      if (name === "exec") {
        if (args.length > 0)
          throw new Unwind("exit", await runProgram(shell, args, exportedVariables(state)));
        keep = true;
        return 0;
      }
      return await (builtin as (typeof builtins)[string])({
        shell,
        args,
        run: (text, ignore) => runScript(shell, parseScript(text), ignore ?? tolerant),
      });
    } finally {
      restore(shell, hidden);
    }
  } finally {
    if (!keep) await undo();
  }
}

function restore(shell: Shell, hidden: ReadonlyMap<string, Variable | undefined>): void {
  for (const [name, variable] of hidden) {
    if (variable) shell.state.variables.set(name, variable);
    else shell.state.variables.delete(name);
  }
}

/** Expands a command. Arguments like `name=value` of `export` and its kind are assignments, not words. */
async function expandCommand(shell: Shell, name: WordNode, args: readonly WordNode[]): Promise<string[]> {
  const first = name.parts[0];
  if (name.parts.length !== 1 || first?.type !== "Literal" || !declaring.has(first.value))
    return expandWords(shell, [name, ...args]);
  const expanded: string[] = [first.value];
  for (const arg of args) {
    const head = arg.parts[0];
    if (head?.type === "Literal" && /^[A-Za-z_]\w*=/.test(head.value))
      expanded.push(await expandString(shell, arg));
    else expanded.push(...(await expandWords(shell, [arg])));
  }
  return expanded;
}

async function assign(shell: Shell, assignment: AssignmentNode, exported?: true): Promise<void> {
  if (assignment.array) throw new ShellError("the sandbox's shell has no arrays", 2, true);
  const value = assignment.value ? await expandString(shell, assignment.value) : "";
  const old = assignment.append ? (shell.state.variables.get(assignment.name)?.value ?? "") : "";
  setVariable(shell.state, assignment.name, old + value, exported);
}

async function callFunction(
  shell: Shell,
  node: FunctionDefNode,
  args: readonly string[],
  tolerant: boolean,
): Promise<number> {
  const { state } = shell;
  const positional = state.positional;
  const undo = await redirect(shell, node.redirections);
  state.positional = [...args];
  state.scopes.push(new Map());
  try {
    return await runCommand(shell, node.body, tolerant);
  } catch (error) {
    if (error instanceof Unwind && error.kind === "return") return error.status;
    throw error;
  } finally {
    state.positional = positional;
    restore(shell, state.scopes.pop() ?? new Map());
    await undo();
  }
}

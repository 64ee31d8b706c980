import { mayAccess } from "../disk.js";
import { patternToRegExp } from "./pattern.js";
import type { Shell } from "./shell.js";
import { ShellError } from "./state.js";
import type { ConditionalNode, WordNode } from "./syntax.js";

/** `test` and `[`: POSIX operators plus `-nt`, `-ot`, `-a`, `-o` and parentheses. */
export function evaluateTest(shell: Shell, args: readonly string[]): boolean {
  let position = 0;
  const peek = () => args[position];
  const or = (): boolean => {
    let value = and();
    while (peek() === "-o") {
      position += 1;
      const right = and();
      value = value || right;
    }
    return value;
  };
  const and = (): boolean => {
    let value = not();
    while (peek() === "-a") {
      position += 1;
      const right = not();
      value = value && right;
    }
    return value;
  };
  const not = (): boolean => {
    if (peek() === "!" && args.length - position > 1) {
      position += 1;
      return !not();
    }
    return primary();
  };
  const primary = (): boolean => {
    const left = args[position];
    if (left === undefined) return false;
    const operator = args[position + 1];
    if (operator !== undefined && isBinary(operator) && args[position + 2] !== undefined) {
      position += 3;
      return compare(shell, left, operator, args[position - 1] as string);
    }
    if (left === "(" && args.length - position > 2) {
      position += 1;
      const value = or();
      if (args[position] === ")") position += 1;
      return value;
    }
    if (/^-[a-zA-Z]$/.test(left) && operator !== undefined) {
      position += 2;
      return unary(shell, left, operator);
    }
    position += 1;
    return left !== "";
  };
  if (args.length === 0) return false;
  // POSIX: of three arguments, a binary operator in the middle decides.
  if (args.length === 3 && isBinary(args[1] as string))
    return compare(shell, args[0] as string, args[1] as string, args[2] as string);
  const value = or();
  if (position < args.length) throw new ShellError(`test: ${args[position]}: unexpected operator`, 2);
  return value;
}

/** What `[[ … ]]` needs besides the shell. */
export interface ConditionalScope {
  readonly shell: Shell;
  string(word: WordNode): Promise<string>;
  pattern(word: WordNode): Promise<string>;
}

export async function evaluateConditional(node: ConditionalNode, scope: ConditionalScope): Promise<boolean> {
  switch (node.type) {
    case "CondAnd":
      return (await evaluateConditional(node.left, scope)) && evaluateConditional(node.right, scope);
    case "CondOr":
      return (await evaluateConditional(node.left, scope)) || evaluateConditional(node.right, scope);
    case "CondNot":
      return !(await evaluateConditional(node.operand, scope));
    case "CondGroup":
      return evaluateConditional(node.expression, scope);
    case "CondWord":
      return (await scope.string(node.word)) !== "";
    case "CondUnary":
      return unary(scope.shell, node.operator, await scope.string(node.operand));
    case "CondBinary": {
      const left = await scope.string(node.left);
      if (node.operator === "=~") return new RegExp(await scope.string(node.right)).test(left);
      if (node.operator === "=" || node.operator === "==")
        return patternToRegExp(await scope.pattern(node.right)).test(left);
      if (node.operator === "!=") return !patternToRegExp(await scope.pattern(node.right)).test(left);
      return compare(scope.shell, left, node.operator, await scope.string(node.right));
    }
  }
}

const isBinary = (operator: string) => /^(=|==|!=|<|>|-eq|-ne|-lt|-le|-gt|-ge|-nt|-ot|-ef)$/.test(operator);

function compare(shell: Shell, left: string, operator: string, right: string): boolean {
  const number = (text: string) => {
    if (!/^\s*[+-]?\d+\s*$/.test(text)) throw new ShellError(`Illegal number: ${text}`, 2);
    return Number(text);
  };
  const time = (path: string) => find(shell, path)?.mtime.getTime();
  switch (operator) {
    case "=":
    case "==":
      return left === right;
    case "!=":
      return left !== right;
    case "<":
      return left < right;
    case ">":
      return left > right;
    case "-eq":
      return number(left) === number(right);
    case "-ne":
      return number(left) !== number(right);
    case "-lt":
      return number(left) < number(right);
    case "-le":
      return number(left) <= number(right);
    case "-gt":
      return number(left) > number(right);
    case "-ge":
      return number(left) >= number(right);
    case "-nt":
      return (time(left) ?? -1) > (time(right) ?? -1);
    case "-ot":
      return (time(left) ?? -1) < (time(right) ?? -1);
    default:
      return find(shell, left) !== undefined && find(shell, left) === find(shell, right);
  }
}

function find(shell: Shell, path: string, follow = true) {
  if (path === "") return undefined;
  try {
    return shell.host.disk.find(shell.resolve(path), shell.who, follow);
  } catch {
    return undefined;
  }
}

function unary(shell: Shell, operator: string, operand: string): boolean {
  const file = () => find(shell, operand);
  const access = (wanted: number) => {
    const inode = file();
    return inode !== undefined && mayAccess(inode, shell.who, wanted);
  };
  switch (operator) {
    case "-z":
      return operand === "";
    case "-n":
      return operand !== "";
    case "-e":
    case "-a":
      return file() !== undefined;
    case "-f":
      return file()?.type === "file";
    case "-d":
      return file()?.type === "directory";
    case "-h":
    case "-L":
      return find(shell, operand, false)?.type === "symlink";
    case "-S":
      return file()?.type === "socket";
    case "-s":
      return (file()?.content.length ?? 0) > 0;
    case "-r":
      return access(4);
    case "-w":
      return access(2);
    case "-x":
      return access(1);
    case "-O":
      return file()?.uid === shell.who.uid;
    case "-G":
      return file()?.gid === shell.who.gid;
    case "-u":
      return ((file()?.mode ?? 0) & 0o4000) !== 0;
    case "-g":
      return ((file()?.mode ?? 0) & 0o2000) !== 0;
    case "-k":
      return ((file()?.mode ?? 0) & 0o1000) !== 0;
    case "-v":
      return shell.state.variables.get(operand)?.value !== undefined;
    case "-b":
    case "-c":
    case "-p":
    case "-t":
      return false;
    default:
      throw new ShellError(`test: ${operator}: unexpected operator`, 2);
  }
}

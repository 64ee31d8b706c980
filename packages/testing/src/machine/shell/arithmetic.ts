import { ShellError } from "./state.js";
import type { ArithmeticExpression } from "./syntax.js";

/** Where an arithmetic expression gets and puts variables. */
export interface ArithmeticScope {
  get(name: string): string | undefined;
  set(name: string, value: string): void;
  /** `$(command)` inside an expression. */
  substitute(command: string): Promise<string>;
  /** `${…}` inside an expression. */
  expand(text: string): Promise<string>;
}

/** Evaluates an arithmetic expansion in 64-bit integers, as far as JavaScript's numbers carry them exactly. */
export async function evaluate(node: ArithmeticExpression, scope: ArithmeticScope): Promise<number> {
  const value = (name: string) => toInteger(scope.get(name) ?? "0", scope);
  switch (node.type) {
    case "ArithNumber":
      return node.value;
    case "ArithVariable":
    case "ArithSpecialVar":
      return value(node.name);
    case "ArithGroup":
    case "ArithNested":
      return evaluate(node.expression, scope);
    case "ArithCommandSubst":
      return toInteger((await scope.substitute(node.command)).trim() || "0", scope);
    case "ArithBracedExpansion":
      return toInteger((await scope.expand(`\${${node.content}}`)) || "0", scope);
    case "ArithTernary":
      return evaluate(
        (await evaluate(node.condition, scope)) !== 0 ? node.consequent : node.alternate,
        scope,
      );
    case "ArithUnary": {
      if (node.operator === "++" || node.operator === "--") {
        if (node.operand.type !== "ArithVariable")
          throw new ShellError("arithmetic expression: expecting a variable", 2);
        const old = value(node.operand.name);
        const changed = node.operator === "++" ? old + 1 : old - 1;
        scope.set(node.operand.name, String(changed));
        return node.prefix ? changed : old;
      }
      const operand = await evaluate(node.operand, scope);
      return { "-": -operand, "+": operand, "!": operand === 0 ? 1 : 0, "~": ~operand }[node.operator];
    }
    case "ArithAssignment": {
      const right = await evaluate(node.value, scope);
      const operator = node.operator.slice(0, -1);
      const result = operator === "" ? right : binary(operator, value(node.variable), right);
      scope.set(node.variable, String(result));
      return result;
    }
    case "ArithBinary": {
      const left = await evaluate(node.left, scope);
      if (node.operator === "&&") return left !== 0 && (await evaluate(node.right, scope)) !== 0 ? 1 : 0;
      if (node.operator === "||") return left !== 0 || (await evaluate(node.right, scope)) !== 0 ? 1 : 0;
      return binary(node.operator, left, await evaluate(node.right, scope));
    }
    default:
      throw new ShellError(`arithmetic expression: the sandbox's shell does not know ${node.type}`, 2);
  }
}

function toInteger(text: string, scope: ArithmeticScope): number {
  const trimmed = text.trim();
  if (trimmed === "") return 0;
  if (/^[+-]?0[0-7]+$/.test(trimmed)) return Number.parseInt(trimmed, 8);
  if (/^[+-]?(\d+|0x[\da-f]+)$/i.test(trimmed)) return Number(trimmed);
  if (/^[A-Za-z_]\w*$/.test(trimmed)) return toInteger(scope.get(trimmed) ?? "0", scope);
  throw new ShellError(`Illegal number: ${trimmed}`, 2, true);
}

function binary(operator: string, left: number, right: number): number {
  if ((operator === "/" || operator === "%") && right === 0)
    throw new ShellError("division by zero", 2, true);
  switch (operator) {
    case "+":
      return left + right;
    case "-":
      return left - right;
    case "*":
      return left * right;
    case "/":
      return Math.trunc(left / right);
    case "%":
      return left % right;
    case "**":
      return left ** right;
    case "<<":
      return left * 2 ** right;
    case ">>":
      return Math.floor(left / 2 ** right);
    case "&":
      return Number(BigInt(left) & BigInt(right));
    case "|":
      return Number(BigInt(left) | BigInt(right));
    case "^":
      return Number(BigInt(left) ^ BigInt(right));
    case "<":
      return Number(left < right);
    case "<=":
      return Number(left <= right);
    case ">":
      return Number(left > right);
    case ">=":
      return Number(left >= right);
    case "==":
      return Number(left === right);
    case "!=":
      return Number(left !== right);
    default:
      return right;
  }
}

import {
  type CommandNode,
  parse,
  type ScriptNode,
  type SimpleCommandNode,
  type StatementNode,
  type WordNode,
} from "just-bash";

/** The parser's nodes, by name. */
export type { CommandNode, ScriptNode, SimpleCommandNode, StatementNode, WordNode };
export type FunctionDefNode = Extract<CommandNode, { type: "FunctionDef" }>;
export type PipelineNode = StatementNode["pipelines"][number];
export type RedirectionNode = SimpleCommandNode["redirections"][number];
export type AssignmentNode = SimpleCommandNode["assignments"][number];
export type WordPart = WordNode["parts"][number];
export type ParameterPart = Extract<WordPart, { type: "ParameterExpansion" }>;
export type ArithmeticNode = Extract<WordPart, { type: "ArithmeticExpansion" }>["expression"];
export type ArithmeticExpression = ArithmeticNode["expression"];
export type ConditionalNode = Extract<CommandNode, { type: "ConditionalCommand" }>["expression"];

const parsed = new Map<string, ScriptNode>();

/** Parses a script. Programs that run the same text on many machines parse it once. */
export function parseScript(text: string): ScriptNode {
  const known = parsed.get(text);
  if (known) return known;
  const script = parse(text, { maxHeredocSize: 64 * 1024 * 1024 });
  if (parsed.size >= 50) parsed.delete(parsed.keys().next().value ?? "");
  parsed.set(text, script);
  return script;
}

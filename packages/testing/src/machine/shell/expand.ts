import { evaluate } from "./arithmetic.js";
import { escapePattern, hasPattern, patternToRegExp, unescapePattern } from "./pattern.js";
import type { Shell } from "./shell.js";
import { ShellError, setVariable } from "./state.js";
import {
  type ArithmeticNode,
  type ParameterPart,
  parseScript,
  type ScriptNode,
  type WordNode,
  type WordPart,
} from "./syntax.js";

/** A piece of an expanded word. `split` pieces come from unquoted expansions; `break` separates the fields of `"$@"`. */
type Piece =
  | { readonly kind: "quoted"; readonly text: string }
  | { readonly kind: "plain"; readonly text: string }
  | { readonly kind: "split"; readonly text: string }
  | { readonly kind: "break" };

/** Expands words into fields: parameters, commands, arithmetic, then splitting, then file names. */
export async function expandWords(shell: Shell, words: readonly WordNode[]): Promise<string[]> {
  const fields: string[] = [];
  for (const word of words) {
    for (const variant of braceVariants(word)) fields.push(...(await expandFields(shell, variant)));
  }
  return fields;
}

/** Expands a word into one string, without splitting and file names: assignments, redirections, `case`. */
export async function expandString(shell: Shell, word: WordNode): Promise<string> {
  const pieces = await expandParts(shell, word.parts, false);
  return pieces.map((piece) => (piece.kind === "break" ? " " : piece.text)).join("");
}

/** Expands a word into a pattern in which quoted text is escaped. */
export async function expandPattern(shell: Shell, word: WordNode): Promise<string> {
  const pieces = await expandParts(shell, word.parts, false);
  return pieces
    .map((piece) =>
      piece.kind === "break" ? " " : piece.kind === "quoted" ? escapePattern(piece.text) : piece.text,
    )
    .join("");
}

async function expandFields(shell: Shell, word: WordNode): Promise<string[]> {
  const pieces = await expandParts(shell, word.parts, false);
  const ifs = shell.state.variables.get("IFS")?.value ?? " \t\n";
  const fields: { pattern: string; keep: boolean }[] = [];
  let current: { pattern: string; keep: boolean } | undefined;
  const open = () => (current ??= { pattern: "", keep: false });
  const close = () => {
    if (current && (current.keep || current.pattern !== "")) fields.push(current);
    current = undefined;
  };
  for (const piece of pieces) {
    if (piece.kind === "break") {
      if (current) current.keep = true;
      close();
    } else if (piece.kind === "quoted") {
      open().pattern += escapePattern(piece.text);
      open().keep = true;
    } else if (piece.kind === "plain") {
      open().pattern += piece.text;
      if (piece.text !== "") open().keep = true;
    } else splitInto(piece.text, ifs, open, close);
  }
  close();

  const result: string[] = [];
  for (const { pattern } of fields) {
    const matches =
      hasPattern(pattern) && !shell.state.options.has("noglob") ? await glob(shell, pattern) : [];
    if (matches.length > 0) result.push(...matches);
    else result.push(unescapePattern(pattern));
  }
  return result;
}

function splitInto(
  text: string,
  ifs: string,
  open: () => { pattern: string; keep: boolean },
  close: () => void,
): void {
  const isBlank = (character: string) => ifs.includes(character) && " \t\n".includes(character);
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index] as string;
    if (isBlank(character)) close();
    else if (ifs.includes(character)) {
      open().keep = true;
      close();
    } else open().pattern += character === "\\" ? "\\\\" : character;
  }
}

async function expandParts(shell: Shell, parts: readonly WordPart[], quoted: boolean): Promise<Piece[]> {
  const pieces: Piece[] = [];
  for (const part of parts) {
    switch (part.type) {
      case "Literal":
        pieces.push({ kind: quoted ? "quoted" : "plain", text: part.value });
        break;
      case "Glob":
        pieces.push({ kind: quoted ? "quoted" : "plain", text: part.pattern });
        break;
      case "SingleQuoted":
      case "Escaped":
        pieces.push({ kind: "quoted", text: part.value });
        break;
      case "DoubleQuoted": {
        const inner = await expandParts(shell, part.parts, true);
        // "" is a field, "$@" without arguments is none.
        const onlyArguments =
          part.parts.length === 1 &&
          part.parts[0]?.type === "ParameterExpansion" &&
          part.parts[0].parameter === "@";
        if (inner.length === 0 && !onlyArguments) pieces.push({ kind: "quoted", text: "" });
        pieces.push(...inner);
        break;
      }
      case "TildeExpansion":
        pieces.push({ kind: "quoted", text: shell.home(part.user) });
        break;
      case "CommandSubstitution":
        pieces.push({ kind: quoted ? "quoted" : "split", text: await shell.capture(part.body) });
        break;
      case "ArithmeticExpansion":
        pieces.push({
          kind: quoted ? "quoted" : "split",
          text: String(await evaluateArithmetic(shell, part.expression)),
        });
        break;
      case "ParameterExpansion":
        pieces.push(...(await expandParameter(shell, part, quoted)));
        break;
      default:
        throw new ShellError(`the sandbox's shell does not know ${part.type}`, 2, true);
    }
  }
  return pieces;
}

export function evaluateArithmetic(shell: Shell, node: ArithmeticNode): Promise<number> {
  return evaluate(node.expression, {
    get: (name) => parameter(shell, name),
    set: (name, value) => setVariable(shell.state, name, value),
    substitute: (command) => shell.capture(parseScript(command)),
    expand: (text) => expandText(shell, text),
  });
}

/** Expands text as if it stood in double quotes. */
async function expandText(shell: Shell, text: string): Promise<string> {
  const script: ScriptNode = parseScript(`: "${text}"`);
  const command = script.statements[0]?.pipelines[0]?.commands[0];
  const word = command?.type === "SimpleCommand" ? command.args[0] : undefined;
  return word ? expandString(shell, word) : "";
}

/** Value of a parameter; `undefined` when it is not set. */
export function parameter(shell: Shell, name: string): string | undefined {
  const { state } = shell;
  switch (name) {
    case "?":
      return String(state.status);
    case "#":
      return String(state.positional.length);
    case "$":
      return String(state.pid);
    case "!":
      return state.lastJob === undefined ? undefined : String(state.lastJob);
    case "0":
      return state.name;
    case "-":
      return [
        ["errexit", "e"],
        ["nounset", "u"],
        ["noglob", "f"],
      ]
        .map(([option, letter]) => (state.options.has(option as "errexit") ? letter : ""))
        .join("");
    case "@":
    case "*": {
      const ifs = state.variables.get("IFS")?.value ?? " \t\n";
      return state.positional.length === 0
        ? undefined
        : state.positional.join(name === "*" ? ifs.slice(0, 1) : " ");
    }
    case "LINENO":
      return "1";
    case "RANDOM":
      return String(Math.floor(Math.random() * 32768));
    case "PPID":
      return "1";
  }
  if (/^\d+$/.test(name)) return state.positional[Number(name) - 1];
  return state.variables.get(name)?.value;
}

/** Expansions that POSIX and dash do not have. */
const bashOnly: ReadonlySet<string> = new Set([
  "Substring",
  "PatternReplacement",
  "CaseModification",
  "Indirection",
  "Transform",
]);

async function expandParameter(shell: Shell, part: ParameterPart, quoted: boolean): Promise<Piece[]> {
  const { operation } = part;
  const name = part.parameter;
  const piece = (text: string): Piece[] => [{ kind: quoted ? "quoted" : "split", text }];
  if (name === "@" || (name === "*" && !quoted)) {
    if (!operation) return argumentPieces(shell.state.positional, quoted);
  }
  const value = parameter(shell, name);
  const unset = value === undefined;
  const isEmpty = (checkEmpty: boolean) => unset || (checkEmpty && value === "");
  const must = () => {
    if (unset && shell.state.options.has("nounset") && name !== "@" && name !== "*")
      throw new ShellError(`${name}: parameter not set`, 2, true);
    return value ?? "";
  };
  // The operand of an unquoted ${x:-word} is itself a word with quotes of its own.
  const operand = async (word: WordNode) =>
    (await expandParts(shell, word.parts, quoted)).map(
      (one): Piece => (one.kind === "plain" ? { kind: "split", text: one.text } : one),
    );
  if (!operation) return piece(must());
  if (shell.state.dialect === "dash" && bashOnly.has(operation.type))
    throw new ShellError("Bad substitution", 2, true);
  switch (operation.type) {
    case "DefaultValue":
      return isEmpty(operation.checkEmpty)
        ? operand(operation.word)
        : name === "@"
          ? argumentPieces(shell.state.positional, quoted)
          : piece(value ?? "");
    case "UseAlternative":
      return isEmpty(operation.checkEmpty) ? [] : operand(operation.word);
    case "AssignDefault": {
      if (!isEmpty(operation.checkEmpty)) return piece(value ?? "");
      const assigned = await expandString(shell, operation.word);
      setVariable(shell.state, name, assigned);
      return piece(assigned);
    }
    case "ErrorIfUnset": {
      if (!isEmpty(operation.checkEmpty)) return piece(value ?? "");
      const message = operation.word ? await expandString(shell, operation.word) : "parameter not set";
      throw new ShellError(`${name}: ${message}`, 2, true);
    }
    case "Length":
      return piece(String(name === "@" || name === "*" ? shell.state.positional.length : must().length));
    case "PatternRemoval":
      return piece(
        removePattern(
          must(),
          await expandPattern(shell, operation.pattern),
          operation.side,
          operation.greedy,
        ),
      );
    case "Substring": {
      const text = must();
      const from = await evaluateArithmetic(shell, operation.offset);
      const start = from < 0 ? Math.max(text.length + from, 0) : from;
      const length = operation.length ? await evaluateArithmetic(shell, operation.length) : text.length;
      return piece(length < 0 ? text.slice(start, length) : text.slice(start, start + length));
    }
    case "PatternReplacement": {
      const source = patternToRegExp(await expandPattern(shell, operation.pattern)).source.slice(4, -2);
      const anchored =
        operation.anchor === "start"
          ? `^(?:${source})`
          : operation.anchor === "end"
            ? `(?:${source})$`
            : source;
      const replacement = operation.replacement ? await expandString(shell, operation.replacement) : "";
      return piece(must().replace(new RegExp(anchored, operation.all ? "gsu" : "su"), () => replacement));
    }
    case "CaseModification": {
      const change = (text: string) =>
        operation.direction === "upper" ? text.toUpperCase() : text.toLowerCase();
      const text = must();
      return piece(operation.all ? change(text) : change(text.slice(0, 1)) + text.slice(1));
    }
    case "Indirection":
      return piece(parameter(shell, must()) ?? "");
    default:
      throw new ShellError("Bad substitution", 2, true);
  }
}

function argumentPieces(values: readonly string[], quoted: boolean): Piece[] {
  return values.flatMap((text, index): Piece[] => [
    ...(index > 0 ? [{ kind: "break" } as const] : []),
    { kind: quoted ? "quoted" : "split", text },
  ]);
}

function removePattern(text: string, pattern: string, side: "prefix" | "suffix", greedy: boolean): string {
  // Most patterns in scripts are plain text, or text and one star at the open end.
  const expression = patternToRegExp(pattern);
  const lengths = Array.from({ length: text.length + 1 }, (_, index) => index);
  const order = greedy ? lengths.reverse() : lengths;
  if (!hasPattern(pattern)) {
    const literal = unescapePattern(pattern);
    if (side === "prefix") return text.startsWith(literal) ? text.slice(literal.length) : text;
    return text.endsWith(literal) ? text.slice(0, text.length - literal.length) : text;
  }
  const quick = quickRemoval(text, pattern, side, greedy);
  if (quick !== undefined) return quick;
  for (const length of order) {
    const candidate = side === "prefix" ? text.slice(0, length) : text.slice(text.length - length);
    if (expression.test(candidate))
      return side === "prefix" ? text.slice(length) : text.slice(0, text.length - length);
  }
  return text;
}

/** `*literal` at the front and `literal*` at the back by searching, which keeps long texts cheap. */
function quickRemoval(
  text: string,
  pattern: string,
  side: "prefix" | "suffix",
  greedy: boolean,
): string | undefined {
  const inner = side === "prefix" ? pattern.replace(/^\*/, "") : pattern.replace(/\*$/, "");
  if (inner === pattern || inner === "" || hasPattern(inner) || inner.endsWith("\\*")) return undefined;
  const literal = unescapePattern(inner);
  const front = side === "prefix" ? !greedy : greedy;
  const found = front ? text.indexOf(literal) : text.lastIndexOf(literal);
  if (found < 0) return text;
  return side === "prefix" ? text.slice(found + literal.length) : text.slice(0, found);
}

/** File names that match a pattern, sorted. */
async function glob(shell: Shell, pattern: string): Promise<string[]> {
  const absolute = pattern.startsWith("/");
  let found: string[] = [absolute ? "/" : ""];
  for (const part of pattern.split("/").filter((one, index) => one !== "" || index > 0)) {
    if (part === "") continue;
    const next: string[] = [];
    for (const base of found) {
      const join = (name: string) =>
        base === "" ? name : base.endsWith("/") ? base + name : `${base}/${name}`;
      if (!hasPattern(part)) {
        const path = join(unescapePattern(part));
        if (await shell.view.exists(shell.resolve(path))) next.push(path);
        continue;
      }
      const expression = patternToRegExp(part);
      const names = await shell.view.readdir(shell.resolve(base === "" ? "." : base)).catch(() => []);
      next.push(
        ...names
          .filter((name) => (!name.startsWith(".") || part.startsWith(".")) && expression.test(name))
          .map(join),
      );
    }
    found = next;
  }
  return found.sort();
}

/** `a{b,c}d` as words; the common case is the word itself. */
function braceVariants(word: WordNode): WordNode[] {
  const index = word.parts.findIndex((part) => part.type === "BraceExpansion");
  const brace = word.parts[index];
  if (brace?.type !== "BraceExpansion") return [word];
  const before = word.parts.slice(0, index);
  const after = word.parts.slice(index + 1);
  const middles: WordPart[][] = brace.items.flatMap((item): WordPart[][] => {
    if (item.type === "Word") return [item.word.parts];
    const [start, end] = [Number(item.start), Number(item.end)];
    if (Number.isNaN(start) || Number.isNaN(end))
      return [[{ type: "Literal", value: `{${item.start}..${item.end}}` }]];
    const step = Math.abs(item.step ?? 1) || 1;
    const count = Math.floor(Math.abs(end - start) / step) + 1;
    return Array.from({ length: count }, (_, n) => [
      { type: "Literal", value: String(start + (end >= start ? n : -n) * step) },
    ]);
  });
  return middles.flatMap((middle) =>
    braceVariants({ type: "Word", parts: [...before, ...middle, ...after] }),
  );
}

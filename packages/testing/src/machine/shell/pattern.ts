/** A shell pattern as a regular expression over the whole string. Backslash escapes; `*` and `?` cross slashes unless `path`. */
export function patternToRegExp(pattern: string, options: { readonly path?: boolean } = {}): RegExp {
  return new RegExp(`^(?:${patternSource(pattern, options.path ?? false)})$`, "su");
}

function patternSource(pattern: string, path: boolean): string {
  const any = path ? "[^/]" : ".";
  const characters = [...pattern];
  let source = "";
  for (let index = 0; index < characters.length; index += 1) {
    const character = characters[index] as string;
    if (character === "\\") {
      index += 1;
      source += escapeLiteral(characters[index] ?? "\\");
    } else if (character === "*") source += `${any}*`;
    else if (character === "?") source += any;
    else if (character === "[") {
      const set = readSet(characters, index);
      if (set) {
        source += set.source;
        index = set.end;
      } else source += "\\[";
    } else source += escapeLiteral(character);
  }
  return source;
}

const classes: Readonly<Record<string, string>> = {
  alpha: "a-zA-Z",
  digit: "0-9",
  alnum: "a-zA-Z0-9",
  upper: "A-Z",
  lower: "a-z",
  space: "\\s",
  blank: " \\t",
  punct: "!-\\/:-@\\[-`{-~",
  xdigit: "0-9A-Fa-f",
  cntrl: "\\x00-\\x1f\\x7f",
};

/** A bracket expression; `undefined` when it has no end and the bracket stands for itself. */
function readSet(characters: readonly string[], start: number): { source: string; end: number } | undefined {
  let index = start + 1;
  let source = "[";
  if (characters[index] === "!" || characters[index] === "^") {
    source += "^";
    index += 1;
  }
  for (let first = true; index < characters.length; index += 1, first = false) {
    const character = characters[index] as string;
    if (character === "]" && !first) return { source: `${source}]`, end: index };
    if (character === "[" && characters[index + 1] === ":") {
      const end = characters.indexOf("]", index);
      const name = characters.slice(index + 2, end - 1).join("");
      if (classes[name]) {
        source += classes[name];
        index = end;
        continue;
      }
    }
    if (character === "\\") {
      index += 1;
      source += escapeInSet(characters[index] ?? "\\");
    } else source += character === "-" ? "-" : escapeInSet(character);
  }
  return undefined;
}

const escapeLiteral = (character: string) =>
  /[\\^$.*+?()[\]{}|/]/.test(character) ? `\\${character}` : character;
const escapeInSet = (character: string) =>
  /[\\\][^]/.test(character) ? `\\${character}` : character === "-" ? "\\-" : character;

/** Text as a pattern that matches only itself. */
export function escapePattern(text: string): string {
  return text.replace(/[\\*?[\]]/g, "\\$&");
}

export function hasPattern(pattern: string): boolean {
  return /(^|[^\\])(\\\\)*[*?[]/.test(pattern);
}

/** Removes the escapes of {@link escapePattern}. */
export function unescapePattern(pattern: string): string {
  return pattern.replace(/\\(.)/gs, "$1");
}

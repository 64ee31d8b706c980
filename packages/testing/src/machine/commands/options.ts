/** A command line taken apart. Names are without dashes. */
export interface ParsedOptions {
  readonly flags: ReadonlySet<string>;
  readonly values: ReadonlyMap<string, string>;
  readonly operands: readonly string[];
  /** The first option that the program does not know. */
  readonly unknown?: string;
}

/**
 * Takes a command line apart as `getopt_long` does: clustered letters, `-n5`, `--name=value`, `--`.
 *
 * @param flags letters and words without a value, separated by spaces
 * @param valued letters and words that take a value
 * @param operandsEnd stop at the first operand (for programs that run another program)
 */
export function parseOptions(
  args: readonly string[],
  flags: string,
  valued = "",
  operandsEnd = false,
): ParsedOptions {
  const knownFlags = new Set(flags.split(" ").filter(Boolean));
  const knownValues = new Set(valued.split(" ").filter(Boolean));
  const found = new Set<string>();
  const values = new Map<string, string>();
  const operands: string[] = [];
  let unknown: string | undefined;
  for (let index = 0; index < args.length; index += 1) {
    const arg = args[index] as string;
    if (arg === "--") {
      operands.push(...args.slice(index + 1));
      break;
    }
    if (arg.startsWith("--")) {
      const [name = "", ...rest] = arg.slice(2).split("=");
      if (knownValues.has(name)) values.set(name, rest.length > 0 ? rest.join("=") : (args[++index] ?? ""));
      else if (knownFlags.has(name)) found.add(name);
      else unknown ??= arg;
    } else if (arg.startsWith("-") && arg !== "-") {
      for (let at = 1; at < arg.length; at += 1) {
        const letter = arg[at] as string;
        if (knownValues.has(letter)) {
          values.set(letter, at + 1 < arg.length ? arg.slice(at + 1) : (args[++index] ?? ""));
          break;
        }
        if (knownFlags.has(letter)) found.add(letter);
        else unknown ??= `-${letter}`;
      }
    } else if (operandsEnd) {
      operands.push(...args.slice(index));
      break;
    } else operands.push(arg);
  }
  return { flags: found, values, operands, ...(unknown ? { unknown } : {}) };
}

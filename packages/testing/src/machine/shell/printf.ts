/** The `printf` utility: format and arguments to bytes (as latin1 escapes are bytes, text is UTF-8). */
export function formatPrintf(format: string, args: readonly string[]): { bytes: Buffer; error?: string } {
  const chunks: Buffer[] = [];
  let next = 0;
  let error: string | undefined;
  const put = (text: string) => chunks.push(Buffer.from(text, "utf8"));
  do {
    const started = next;
    for (let index = 0; index < format.length; index += 1) {
      const character = format[index] as string;
      if (character === "\\") {
        const found = readEscape(format, index, false);
        chunks.push(found.bytes);
        if (found.stop) return { bytes: Buffer.concat(chunks) };
        index = found.end;
        continue;
      }
      if (character !== "%") {
        const code = format.codePointAt(index) as number;
        if (code > 0xffff) index += 1;
        put(String.fromCodePoint(code));
        continue;
      }
      const directive = /^%([-+ 0#]*)(\*|\d+)?(?:\.(\*|\d+))?([a-zA-Z%])/.exec(format.slice(index));
      if (!directive) {
        put("%");
        continue;
      }
      index += directive[0].length - 1;
      const [, flags = "", widthText, precisionText, kind = "s"] = directive;
      if (kind === "%") {
        put("%");
        continue;
      }
      const width = widthText === "*" ? Number(args[next++] ?? 0) : Number(widthText ?? 0);
      const precision =
        precisionText === "*"
          ? Number(args[next++] ?? 0)
          : precisionText === undefined
            ? undefined
            : Number(precisionText);
      const arg = args[next++];
      if (kind === "b") {
        const { bytes, stop } = unescapeAll(arg ?? "");
        chunks.push(bytes);
        if (stop) return { bytes: Buffer.concat(chunks) };
        continue;
      }
      let text: string;
      if (kind === "s") text = precision === undefined ? (arg ?? "") : (arg ?? "").slice(0, precision);
      else if (kind === "c") text = (arg ?? "").slice(0, 1);
      else if (kind === "q")
        text = /^[\w@%+=:,./-]+$/.test(arg ?? "") ? (arg ?? "") : `'${(arg ?? "").replaceAll("'", "'\\''")}'`;
      else {
        const number = toNumber(arg ?? "0");
        if (Number.isNaN(number)) error = `printf: ${arg}: expected numeric value`;
        text = formatNumber(kind, Number.isNaN(number) ? 0 : number, flags, precision);
      }
      const padded = flags.includes("-")
        ? text.padEnd(width)
        : flags.includes("0") && !"scq".includes(kind)
          ? text.padStart(width, "0")
          : text.padStart(width);
      put(padded);
    }
    if (next === started) break;
  } while (next < args.length);
  return { bytes: Buffer.concat(chunks), ...(error ? { error } : {}) };
}

function toNumber(text: string): number {
  if (/^["']/.test(text)) return text.codePointAt(1) ?? 0;
  const trimmed = text.trim();
  return /^-?0[0-7]+$/.test(trimmed) ? Number.parseInt(trimmed, 8) : Number(trimmed);
}

function formatNumber(kind: string, value: number, flags: string, precision: number | undefined): string {
  const whole = Math.trunc(value);
  switch (kind) {
    case "d":
    case "i":
    case "u": {
      const digits = String(Math.abs(whole)).padStart(precision ?? 0, "0");
      return `${whole < 0 ? "-" : flags.includes("+") ? "+" : ""}${digits}`;
    }
    case "o":
      return whole.toString(8).padStart(precision ?? 0, "0");
    case "x":
      return whole.toString(16).padStart(precision ?? 0, "0");
    case "X":
      return whole
        .toString(16)
        .toUpperCase()
        .padStart(precision ?? 0, "0");
    case "e":
      return value.toExponential(precision ?? 6);
    default:
      return value.toFixed(precision ?? 6);
  }
}

const simple: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  e: 27,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
  "\\": 92,
  '"': 34,
  "'": 39,
};

function readEscape(
  text: string,
  at: number,
  inArgument: boolean,
): { bytes: Buffer; end: number; stop?: boolean } {
  const character = text[at + 1] ?? "";
  if (character === "c") return { bytes: Buffer.alloc(0), end: at + 1, stop: true };
  const known = simple[character];
  if (known !== undefined) return { bytes: Buffer.from([known]), end: at + 1 };
  const octal = (inArgument ? /^0?([0-7]{1,3})/ : /^([0-7]{1,3})/).exec(text.slice(at + 1));
  if (octal)
    return { bytes: Buffer.from([Number.parseInt(octal[1] as string, 8) & 255]), end: at + octal[0].length };
  const hex = /^x([0-9a-fA-F]{1,2})/.exec(text.slice(at + 1));
  if (hex) return { bytes: Buffer.from([Number.parseInt(hex[1] as string, 16)]), end: at + hex[0].length };
  return { bytes: Buffer.from(`\\${character}`), end: at + character.length };
}

function unescapeAll(text: string): { bytes: Buffer; stop: boolean } {
  const chunks: Buffer[] = [];
  for (let index = 0; index < text.length; index += 1) {
    if (text[index] !== "\\") {
      const code = text.codePointAt(index) as number;
      chunks.push(Buffer.from(String.fromCodePoint(code)));
      if (code > 0xffff) index += 1;
      continue;
    }
    const found = readEscape(text, index, true);
    chunks.push(found.bytes);
    if (found.stop) return { bytes: Buffer.concat(chunks), stop: true };
    index = found.end;
  }
  return { bytes: Buffer.concat(chunks), stop: false };
}

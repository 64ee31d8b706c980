/** A text as one word of a POSIX shell. */
export function shellQuote(text: string): string {
  return /^[A-Za-z0-9_/.:@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** Texts as words of a POSIX shell. */
export function shellWords(texts: readonly string[]): string {
  return texts.map(shellQuote).join(" ");
}

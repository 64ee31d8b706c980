import { SshError } from "./ssh-error.js";

/**
 * One word of a POSIX shell command line that means exactly `value`, whatever it holds. A NUL byte cannot be
 * in an argument and throws `OPTIONS_INVALID`.
 */
export function shellQuote(value: string): string {
  if (value.includes("\0")) {
    throw new SshError("a NUL byte cannot be passed to a command", { code: "OPTIONS_INVALID" });
  }
  if (/^[\w/.:@%+,-]+$/.test(value)) return value;
  return `'${value.replaceAll("'", `'\\''`)}'`;
}

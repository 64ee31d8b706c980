import { posix } from "node:path";
import { shellQuote } from "../shell-quote.js";

/** A path as one word of a command line; a relative one cannot be taken for an option. */
export function shellPath(path: string): string {
  return shellQuote(posix.isAbsolute(path) ? path : `./${path}`);
}

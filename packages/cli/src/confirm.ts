import { createInterface } from "node:readline/promises";
import { type Multicloud, ValidationError } from "@multicloud/core";
import type { CliOptions } from "./cli.js";

/**
 * Has the cluster's name typed out before something is lost: after `--confirm`, or on the terminal.
 *
 * @throws ValidationError when it is another name, or nobody can be asked
 */
export async function confirm(
  { stdin, stderr, signal }: CliOptions,
  cluster: Multicloud,
  what: string,
  given: string | undefined,
): Promise<string> {
  const typed = given ?? (stdin?.isTTY ? await askName() : undefined);
  if (typed === cluster.name) return typed;
  const message =
    typed === undefined
      ? `this ${what}: confirm it with the cluster's name`
      : `${JSON.stringify(typed)} is not the cluster's name, so nothing was done`;
  throw new ValidationError([{ path: "--confirm", message, hint: `--confirm ${cluster.name}` }]);

  async function askName(): Promise<string> {
    const lines = createInterface({ input: stdin!, output: stderr as NodeJS.WritableStream });
    try {
      const question = `This ${what}. Type the cluster's name (${cluster.name}) to go on: `;
      return (await lines.question(question, { ...(signal ? { signal } : {}) })).trim();
    } finally {
      lines.close();
    }
  }
}

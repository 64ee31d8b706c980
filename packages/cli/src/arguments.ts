import { parseArgs } from "node:util";
import { MulticloudError } from "@multicloud/core";
import { nearest } from "@multicloud/core/plugin";

/** What the command line asks for. */
export interface Arguments {
  readonly verb: Command | "help" | "version";
  /** Words after the verb. */
  readonly rest: readonly string[];
  readonly config: string | undefined;
  readonly json: boolean;
  readonly verbose: boolean;
  readonly confirm: string | undefined;
  readonly format: string | undefined;
  readonly forget: readonly string[];
  /** File into which `kubeconfig` is merged. */
  readonly merge: string | undefined;
}

/** Verbs of the command. */
export const commands = [
  "plan",
  "up",
  "status",
  "inventory",
  "kubeconfig",
  "destroy",
  "drill",
  "watch",
] as const;

/** A verb of the command. */
export type Command = (typeof commands)[number];

/** Forms in which `inventory` is printed. */
const formats = ["json", "ansible", "ssh", "mermaid"] as const;

const options = {
  config: { type: "string", short: "c" },
  json: { type: "boolean", default: false },
  verbose: { type: "boolean", short: "v", default: false },
  confirm: { type: "string" },
  format: { type: "string", short: "f" },
  forget: { type: "string", multiple: true },
  merge: { type: "string" },
  help: { type: "boolean", short: "h", default: false },
  version: { type: "boolean", default: false },
} as const;

/**
 * Reads the command line.
 *
 * @throws MulticloudError `CONFIG_INVALID` with the nearest word for one that is not known
 */
export function readArguments(argv: readonly string[]): Arguments {
  const { values, positionals } = parse(argv);
  // `entrypoint watch` is the SDK's name for it.
  const words =
    positionals[0] === "entrypoint" && positionals[1] === "watch" ? positionals.slice(1) : positionals;
  const [word, ...rest] = words;
  const { config, json, verbose, confirm, format, forget = [], merge } = values;
  const verb = values.version
    ? "version"
    : values.help || word === undefined || word === "help"
      ? "help"
      : word;
  if (verb !== "help" && verb !== "version" && !isCommand(verb)) throw unknown("command", verb, commands);
  if (format !== undefined && !formats.some((one) => one === format))
    throw unknown("format", format, formats);
  const takes = verb === "drill" || verb === "kubeconfig" ? 1 : 0;
  if (verb !== "help" && rest.length > takes)
    throw new MulticloudError(`${verb} takes no ${rest.slice(takes).join(" ")}`, { code: "CONFIG_INVALID" });
  if (verb === "drill" && rest.length === 0)
    throw new MulticloudError("drill needs the site to lose", {
      code: "CONFIG_INVALID",
      hint: "multicloud drill SITE",
    });
  return { verb, rest, config, json, verbose, confirm, format, forget, merge };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true });
  } catch (error) {
    const { message } = error as Error;
    const given = /Unknown option '-{1,2}([^']*)'/.exec(message)?.[1];
    if (given !== undefined)
      throw unknown(
        "option",
        `--${given}`,
        Object.keys(options).map((name) => `--${name}`),
      );
    throw new MulticloudError(message.split(". ")[0] ?? message, { code: "CONFIG_INVALID" });
  }
}

function unknown(what: string, given: string, allowed: readonly string[]): MulticloudError {
  const near = nearest(given, allowed);
  return new MulticloudError(
    `there is no ${what} ${given}${near === undefined ? "" : `; did you mean ${near}?`}`,
    {
      code: "CONFIG_INVALID",
      hint: `there are: ${allowed.join(", ")}`,
    },
  );
}

function isCommand(word: string): word is Command {
  return (commands as readonly string[]).includes(word);
}

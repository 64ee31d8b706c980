import { getStateFile } from "./get-state-file.js";
import { removeCluster } from "./remove.js";
import { rotateCertificates } from "./rotate.js";
import { createLog, Fatal, rkeVersion, type ToolCall } from "./run.js";
import { restoreSnapshot, saveSnapshot } from "./snapshots.js";
import { upCluster } from "./up.js";

/** What the command line of one start asks for. */
export interface CommandLine {
  readonly command: readonly string[];
  readonly config: string;
  readonly flags: ReadonlySet<string>;
  /** Of flags that take a value, in the order given. */
  readonly values: ReadonlyMap<string, readonly string[]>;
}

const booleanFlags: Readonly<Record<string, readonly string[]>> = {
  up: [
    "local",
    "dind",
    "update-only",
    "disable-port-check",
    "init",
    "custom-certs",
    "ssh-agent-auth",
    "ignore-docker-version",
  ],
  remove: ["force", "local", "dind", "ssh-agent-auth", "ignore-docker-version"],
  "util get-state-file": ["ssh-agent-auth", "ignore-docker-version"],
  "etcd snapshot-save": ["s3", "ssh-agent-auth", "ignore-docker-version"],
  "etcd snapshot-restore": [
    "s3",
    "custom-certs",
    "use-local-state",
    "ssh-agent-auth",
    "ignore-docker-version",
  ],
  "cert rotate": ["rotate-ca", "ssh-agent-auth", "ignore-docker-version"],
};

const valueFlags: Readonly<Record<string, readonly string[]>> = {
  "etcd snapshot-save": ["name"],
  "etcd snapshot-restore": ["name", "cert-dir"],
  "cert rotate": ["service"],
};

const commands: Readonly<
  Record<string, (call: ToolCall, line: CommandLine, log: ReturnType<typeof createLog>) => Promise<void>>
> = {
  up: upCluster,
  remove: removeCluster,
  "util get-state-file": getStateFile,
  "etcd snapshot-save": saveSnapshot,
  "etcd snapshot-restore": restoreSnapshot,
  "cert rotate": rotateCertificates,
};

/** Runs the program and gives its exit code. Rejects only when it was killed. */
export async function runCommand(call: ToolCall): Promise<number> {
  const args = call.args.filter((arg) => !["--debug", "-d", "--quiet", "-q", "--trace"].includes(arg));
  if (args[0] === "--version" || args[0] === "-v") {
    await call.print(`rke version ${rkeVersion}`);
    return 0;
  }
  const log = createLog(call);
  try {
    const line = readCommandLine(args);
    if (!line) {
      await call.print(
        "NAME:\n   rke - Rancher Kubernetes Engine, an extremely simple, lightning fast Kubernetes installer",
      );
      return 0;
    }
    await log.info(`Running RKE version: ${rkeVersion}`);
    await commands[line.command.join(" ")]!(call, line, log);
    return 0;
  } catch (error) {
    call.signal.throwIfAborted();
    const isExpected = error instanceof Fatal;
    const message = error instanceof Error ? (isExpected ? error.message : error.stack) : String(error);
    await log.fatal(isExpected ? `${message}` : `defect in the emulator: ${message}`);
    return 1;
  }
}

/** `undefined` when the arguments ask for nothing but help. */
function readCommandLine(args: readonly string[]): CommandLine | undefined {
  const words = args.slice(0, ["util", "etcd", "cert"].includes(args[0] ?? "") ? 2 : 1);
  const known = booleanFlags[words.join(" ")];
  const valued = valueFlags[words.join(" ")] ?? [];
  if (!known) {
    if (args.length === 0 || args[0] === "help" || args[0] === "--help") return undefined;
    throw new Fatal(`No help topic for '${args[0]}'`);
  }
  const flags = new Set<string>();
  const values = new Map<string, readonly string[]>();
  let config = "cluster.yml";
  const rest = args.slice(words.length);
  for (let index = 0; index < rest.length; index++) {
    const [name = "", inline] = (rest[index] ?? "").replace(/^--?/, "").split("=", 2);
    if (name === "config") config = inline ?? rest[++index] ?? "";
    else if (known.includes(name)) flags.add(name);
    else if (valued.includes(name))
      values.set(name, [...(values.get(name) ?? []), inline ?? rest[++index] ?? ""]);
    else throw new Fatal(`flag provided but not defined: -${name}`);
  }
  return { command: words, config, flags, values };
}

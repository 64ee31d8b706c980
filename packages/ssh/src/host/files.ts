import { randomBytes } from "node:crypto";
import { posix } from "node:path";
import type { WriteFileOptions } from "../remote-host.js";
import { shellQuote } from "../shell-quote.js";
import { hopName, SshError } from "../ssh-error.js";
import { type CommandResult, runCommand } from "./run-command.js";
import type { Session } from "./session.js";
import type { Sftp } from "./sftp.js";
import { shellPath } from "./shell-path.js";
import type { Turns } from "./turns.js";

// A bound for calls that have none of their own.
const FILE_TIMEOUT_MS = 120_000;

/** Reads a file over SFTP, with sudo through `cat`. */
export async function readRemoteFile(
  session: Session,
  sftp: Sftp,
  path: string,
  options: { readonly sudo?: boolean; readonly signal?: AbortSignal } = {},
): Promise<Uint8Array> {
  if (!needsSudo(session, options)) return sftp.read(path, options.signal, FILE_TIMEOUT_MS);
  const result = await runCommand(session, `cat ${shellPath(path)}`, {
    ...options,
    timeoutMs: FILE_TIMEOUT_MS,
  });
  if (result.code !== 0) throw commandFailure(session, "read", path, result);
  return result.stdout;
}

/**
 * Replaces a file: over SFTP, or through a command when it takes sudo or a change of owner. Writers of one
 * file take turns, since each removes the temporary files of those before it.
 */
export async function writeRemoteFile(
  session: Session,
  sftp: Sftp,
  turns: Turns,
  path: string,
  data: string | Uint8Array,
  options: WriteFileOptions = {},
): Promise<void> {
  const mode = options.mode ?? "0644";
  if (!/^0?[0-7]{3,4}$/.test(mode))
    throw invalid(`the mode ${JSON.stringify(mode)} is not octal, such as 0644`);
  if (options.owner !== undefined && !/^(\w[\w.-]*\$?)?(:\w[\w.-]*\$?)?$/.test(options.owner || "?")) {
    throw invalid(`the owner ${JSON.stringify(options.owner)} is not user:group`);
  }
  const bytes =
    typeof data === "string" ? Buffer.from(data) : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  if (!needsSudo(session, options) && options.owner === undefined) {
    return turns(path, async () => {
      options.signal?.throwIfAborted();
      await sftp.replace(path, bytes, Number.parseInt(mode, 8), options.signal, FILE_TIMEOUT_MS);
    });
  }
  const result = await turns(path, async () => {
    options.signal?.throwIfAborted();
    return runCommand(session, replaceScript(path, bytes.length, mode, options.owner), {
      sudo: options.sudo ?? false,
      stdin: bytes,
      timeoutMs: FILE_TIMEOUT_MS,
      ...(options.signal && { signal: options.signal }),
    });
  });
  if (result.code !== 0) throw commandFailure(session, "write", path, result);
}

// The temporary file is readable by its maker only until it has its mode. The size is compared because a
// client that dies half-way looks like the end of the content. What a host that went down in the middle was
// left with goes first; the name is random all the same, so that a writer which has lost its client but not
// ended yet cannot spoil the next one's. Programs: cat, wc, chown, chmod, mv, rm.
function replaceScript(path: string, size: number, mode: string, owner: string | undefined): string {
  const target = shellPath(path);
  const prefix = shellPath(posix.join(posix.dirname(path), `.${posix.basename(path)}.`));
  const temporary = `${prefix}${randomBytes(8).toString("hex")}.multicloud-tmp`;
  const steps = [
    `cat > ${temporary}`,
    `[ "$(wc -c < ${temporary})" -eq ${size} ]`,
    ...(owner === undefined ? [] : [`chown ${shellQuote(owner)} ${temporary}`]),
    `chmod ${mode} ${temporary}`,
    `mv -f ${temporary} ${target}`,
  ];
  return [
    "umask 077",
    `if [ -d ${target} ]; then echo ${shellQuote(`${path}: Is a directory`)} >&2; exit 1; fi`,
    `rm -f ${prefix}*.multicloud-tmp`,
    `if ${steps.join(" && ")}; then exit 0; fi`,
    `rm -f ${temporary}`,
    "exit 1",
  ].join("\n");
}

function needsSudo(session: Session, options: { readonly sudo?: boolean }): boolean {
  return options.sudo === true && session.connection.hop.user !== "root";
}

function invalid(message: string): SshError {
  return new SshError(message, { code: "OPTIONS_INVALID" });
}

const reasons: readonly [RegExp, string][] = [
  [/no such file/i, "ENOENT"],
  [/permission denied|not permitted|password is required/i, "EACCES"],
  [/is a directory/i, "EISDIR"],
  [/no space left/i, "ENOSPC"],
  [/read-only/i, "EROFS"],
];

function commandFailure(session: Session, verb: string, path: string, result: CommandResult): SshError {
  const { hop } = session.connection;
  const detail =
    result.stderr.toString().trim().split("\n").at(-1) || `exit code ${result.code ?? result.signal}`;
  return new SshError(`cannot ${verb} ${path} on ${hopName(hop)}: ${detail}`, {
    code: "FILE_FAILED",
    hop,
    reason: reasons.find(([pattern]) => pattern.test(detail))?.[1],
  });
}

import type { Duplex } from "node:stream";
import type { DialOptions, DialTarget } from "./dialer.js";
import type { SshError } from "./ssh-error.js";

/** Options of one remote command. */
export interface ExecOptions {
  /** Run as root: `sudo -n -- sh -c …`, or `sh -c …` when the login user is `root`. Default false. */
  readonly sudo?: boolean;
  /** Written to the command's standard input, which is then closed. Default: empty. Secrets go here: the command itself shows in the host's process list and in errors. */
  readonly stdin?: string | Uint8Array;
  /** Closes the command's channel and rejects with the signal's reason. The command gets `SIGPIPE` when it writes next; one that never writes goes on, as with `ssh`. */
  readonly signal?: AbortSignal;
  /** Counted from the moment the command may start; waiting for a free channel does not count. Default 10 minutes. */
  readonly timeoutMs?: number;
  /** Called for each full line as it arrives, without its line end; also for a last line that has none. */
  onStdout?(line: string): void;
  /** Like `onStdout`, for standard error. */
  onStderr?(line: string): void;
}

/** How a remote command ended. */
export interface ExecResult {
  readonly stdout: string;
  readonly stderr: string;
  /** Exit code; `undefined` when a signal ended it. */
  readonly code: number | undefined;
  /** Signal name such as `KILL`; `undefined` when it exited by itself. */
  readonly signal: string | undefined;
}

/** Options of a remote file read. */
export interface ReadFileOptions {
  /** Read through sudo. Default false. */
  readonly sudo?: boolean;
  readonly signal?: AbortSignal;
}

/** Options of a remote file write. */
export interface WriteFileOptions {
  /** Octal, default `0644`. In force before the content can be seen under the file's name. */
  readonly mode?: string;
  /** `user:group`; default: the login user, with `sudo` root. */
  readonly owner?: string;
  /** Write through sudo. Default false. */
  readonly sudo?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * A host over SSH, its host key verified; one connection that all calls share. The `RemoteHost` of
 * `@multicloud/core`, with a few members more.
 */
export interface SshHost {
  /** Address as dialled, for messages. */
  readonly address: string;
  /** The host key that the host presented, in OpenSSH's one-line form without a comment. */
  readonly hostKey: string;
  /** Settles when the connection is gone and never rejects: `undefined` after `close()`, the error when it was lost. */
  readonly closed: Promise<SshError | undefined>;
  /**
   * Runs a command through the login user's shell. A non-zero exit is a result. Rejects with `CLOSED` as soon
   * as the connection is lost, `TIMEOUT`, `CHANNEL_FAILED`, or the signal's reason. At most 8 commands run at
   * once, further ones wait. Commands over 100 KiB do not fit into an argument list: use `sh -s` and `stdin`.
   */
  exec(command: string, options?: ExecOptions): Promise<ExecResult>;
  /** Reads a whole file; rejects with `FILE_FAILED` (`reason` `ENOENT`, `EACCES`, …) when it cannot. */
  readFile(path: string, options?: ReadFileOptions): Promise<Uint8Array>;
  /** Replaces a file atomically (temporary file beside it, then rename). A symbolic link is replaced, not followed. Rejects with `FILE_FAILED`. */
  writeFile(path: string, data: string | Uint8Array, options?: WriteFileOptions): Promise<void>;
  /** Opens a TCP stream from the host to somewhere it can reach (`direct-tcpip`, RFC 4254 §7.2). Default timeout 10 s. Rejects with `FORWARD_FAILED`. */
  forward(target: DialTarget, options?: DialOptions): Promise<Duplex>;
  /** Ends the connection and those to its jump hosts. Calls under way reject with `CLOSED`. Repeating it does nothing. */
  close(): Promise<void>;
}

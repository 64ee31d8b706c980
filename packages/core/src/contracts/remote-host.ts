import type { Duplex } from "node:stream";
import type { DialOptions, DialTarget } from "./dialer.js";

/** Options of one remote command. */
export interface ExecOptions {
  /** Run through `sudo -n`. Default false. */
  readonly sudo?: boolean;
  /** Written to the command's standard input, which is then closed. Secrets go here, never into the command. */
  readonly stdin?: string | Uint8Array;
  readonly signal?: AbortSignal;
  /** Default 10 minutes. */
  readonly timeoutMs?: number;
  /** Called for each full line as it arrives. */
  onStdout?(line: string): void;
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

/** Options of a remote file write. */
export interface WriteFileOptions {
  /** Octal, default `0644`. */
  readonly mode?: string;
  /** `user:group`; default: the login user. */
  readonly owner?: string;
  /** Write through sudo. Default false. */
  readonly sudo?: boolean;
  readonly signal?: AbortSignal;
}

/** A node over SSH, with its host key verified. One connection per host, reused by all calls. */
export interface RemoteHost {
  /** Address as dialled, for messages. */
  readonly address: string;
  /** Runs a command. A non-zero exit is a result, not an error; only a broken connection, a timeout or an abort rejects. */
  exec(command: string, options?: ExecOptions): Promise<ExecResult>;
  /** Reads a whole file; rejects when it does not exist. */
  readFile(
    path: string,
    options?: { readonly sudo?: boolean; readonly signal?: AbortSignal },
  ): Promise<Uint8Array>;
  /** Replaces a file atomically (temporary file beside it, then rename). */
  writeFile(path: string, data: string | Uint8Array, options?: WriteFileOptions): Promise<void>;
  /** Opens a TCP stream from the host to somewhere it can reach (SSH `direct-tcpip`). */
  forward(target: DialTarget, options?: DialOptions): Promise<Duplex>;
  close(): Promise<void>;
}

/** How to reach a host that stands between the operator and a site. */
export interface JumpHost {
  readonly host: string;
  /** Default 22. */
  readonly port?: number;
  readonly user: string;
  /** The jump host's public key in OpenSSH's one-line form (`ssh-ed25519 AAAA…`); it must present this one. */
  readonly hostKey: string;
  /** Default: the cluster's own key pair. */
  readonly privateKeyFile?: string;
}

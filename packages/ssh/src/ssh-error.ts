// Registered symbols are shared by all copies of this package in a process, so `isInstance` works where
// `instanceof` does not.
const marker = Symbol.for("multicloud.ssh.error");

/**
 * What can go wrong. Stable: codes are only added.
 *
 * | code | meaning |
 * | --- | --- |
 * | `OPTIONS_INVALID` | an option is wrong (no accepted host key, an unreadable private key, a bad mode) |
 * | `UNREACHABLE` | no SSH server answers; `reason` has Node's code |
 * | `HOST_KEY_MISMATCH` | the host did not prove one of the accepted host keys |
 * | `AUTH_FAILED` | the host refused the user's keys |
 * | `TIMEOUT` | something took longer than it may |
 * | `CLOSED` | the connection ended while it was needed; `reason` has Node's code when it is known |
 * | `FORWARD_FAILED` | the host could not connect to the forward's target; `reason` has Node's code |
 * | `CHANNEL_FAILED` | the host refused to start a command or SFTP |
 * | `FILE_FAILED` | a file could not be read or written; `reason` has Node's code |
 * | `COMMAND_FAILED` | a command of this package (host key rotation) exited with an error |
 */
export type SshErrorCode =
  | "OPTIONS_INVALID"
  | "UNREACHABLE"
  | "HOST_KEY_MISMATCH"
  | "AUTH_FAILED"
  | "TIMEOUT"
  | "CLOSED"
  | "FORWARD_FAILED"
  | "CHANNEL_FAILED"
  | "FILE_FAILED"
  | "COMMAND_FAILED";

/** One host on the way: the target itself or a jump host before it. */
export interface SshHop {
  readonly user: string;
  readonly host: string;
  readonly port: number;
  /** True when it is a jump host on the way to another host. */
  readonly jump: boolean;
}

/** What an {@link SshError} can say besides its message. All of it is safe to log. */
export interface SshErrorDetails {
  readonly code: SshErrorCode;
  readonly hop?: SshHop | undefined;
  readonly reason?: string | undefined;
  readonly presented?: string | undefined;
  readonly fingerprint?: string | undefined;
  readonly expected?: readonly string[] | undefined;
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/** The one error of this package; tell kinds apart by `code`. Aborts reject with the signal's reason instead. */
export class SshError extends Error {
  readonly code: SshErrorCode;
  /** Which host of the way failed. */
  readonly hop: SshHop | undefined;
  /** Node's code of what was underneath, such as `ECONNREFUSED`, `ENOENT`. */
  readonly reason: string | undefined;
  /** `HOST_KEY_MISMATCH`: the key that the host presented, one line; `undefined` when it has no key of an accepted type. */
  readonly presented: string | undefined;
  /** `HOST_KEY_MISMATCH`: `SHA256:…` of `presented`. */
  readonly fingerprint: string | undefined;
  /** `HOST_KEY_MISMATCH`: the accepted keys, one line each. */
  readonly expected: readonly string[] | undefined;
  /** What to try. */
  readonly hint: string | undefined;

  constructor(message: string, details: SshErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = "SshError";
    Object.defineProperty(this, marker, { value: true });
    this.code = details.code;
    this.hop = details.hop;
    this.reason = details.reason;
    this.presented = details.presented;
    this.fingerprint = details.fingerprint;
    this.expected = details.expected;
    this.hint = details.hint;
  }

  /** True for errors of this package, also those made by another copy of it. */
  static isInstance(value: unknown): value is SshError {
    return typeof value === "object" && value !== null && (value as Record<symbol, unknown>)[marker] === true;
  }
}

/** `user@host:port`, with brackets around an IPv6 address. */
export function hopName(hop: SshHop): string {
  const host = hop.host.includes(":") ? `[${hop.host}]` : hop.host;
  return `${hop.user}@${host}:${hop.port}`;
}

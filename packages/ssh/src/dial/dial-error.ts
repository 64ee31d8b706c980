import type { DialTarget } from "../dialer.js";

/** An error as a dialer rejects with: the target in the message, Node's code in `code`. */
export function dialError(target: DialTarget, code: string, detail: string, cause?: unknown): Error {
  const host = target.host.includes(":") ? `[${target.host}]` : target.host;
  const error = new Error(
    `connect ${host}:${target.port}: ${detail}`,
    cause === undefined ? undefined : { cause },
  );
  return Object.assign(error, { code });
}

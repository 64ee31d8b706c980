import { fingerprint, type PublicKey } from "../keys/public-key.js";
import { hopName, SshError, type SshHop } from "../ssh-error.js";

const reasons: Record<string, string> = {
  ECONNREFUSED: "nothing listens there (connection refused)",
  ETIMEDOUT: "no answer in time",
  EHOSTUNREACH: "no route to the host",
  ENETUNREACH: "no route to the network",
  ECONNRESET: "the connection was reset",
  ENOTFOUND: "the name is unknown",
  EAI_AGAIN: "the name could not be looked up",
};

/** A dialer's failure as this package's error. A jump host's own failure keeps its own hop. */
export function dialFailure(hop: SshHop, error: unknown): SshError {
  if (SshError.isInstance(error) && error.code !== "FORWARD_FAILED") return error;
  const reason = SshError.isInstance(error) ? error.reason : (error as NodeJS.ErrnoException).code;
  const detail = reasons[reason ?? ""] ?? (error instanceof Error ? error.message : String(error));
  const via = SshError.isInstance(error) && error.hop ? ` through ${hopName(error.hop)}` : "";
  return new SshError(`cannot reach ${hopName(hop)}${via}: ${detail}`, {
    code: "UNREACHABLE",
    hop,
    reason,
    cause: error,
  });
}

/** What ended a handshake. `negotiated`: keys were exchanged, so the failure is about logging in. */
export function handshakeFailure(
  hop: SshHop,
  cause: (Error & { level?: string; code?: unknown }) | undefined,
  negotiated: boolean,
  hostKeys: readonly PublicKey[],
): SshError {
  const name = hopName(hop);
  if (cause && /no matching host key format/.test(cause.message)) {
    return hostKeyMismatch(hop, undefined, hostKeys, cause);
  }
  // A numeric code is a reason of SSH_MSG_DISCONNECT (RFC 4253 §11.1); OpenSSH ends too many tries this way.
  if (cause && negotiated && (cause.level === "client-authentication" || typeof cause.code === "number")) {
    return new SshError(`${name} refused the login: ${cause.message}`, {
      code: "AUTH_FAILED",
      hop,
      hint: `Check that the user ${hop.user} exists there and that its authorized_keys has the public key.`,
      cause,
    });
  }
  if (cause?.level === "handshake") {
    return new SshError(`${name} does not speak SSH with us: ${cause.message}`, {
      code: "UNREACHABLE",
      hop,
      reason: "EPROTO",
      cause,
    });
  }
  const detail = negotiated
    ? "closed the connection while logging in"
    : "closed the connection before the handshake was done";
  const reason = cause && /^E[A-Z]+$/.test(String(cause.code)) ? String(cause.code) : "ECONNRESET";
  return new SshError(`${name} ${detail}`, { code: "UNREACHABLE", hop, reason, cause });
}

/** The host did not prove an accepted key; `presented` is undefined when it has none of an accepted type. */
export function hostKeyMismatch(
  hop: SshHop,
  presented: PublicKey | undefined,
  accepted: readonly PublicKey[],
  cause?: Error,
): SshError {
  const expected = accepted.map((key) => key.line);
  const wanted = accepted.map((key) => `${key.type} ${fingerprint(key.line)}`).join(" or ");
  const shown = presented
    ? `presented ${presented.type} ${fingerprint(presented.line)}`
    : "has no key of the accepted type";
  return new SshError(`${hopName(hop)} ${shown}; accepted: ${wanted}`, {
    code: "HOST_KEY_MISMATCH",
    hop,
    presented: presented?.line,
    fingerprint: presented && fingerprint(presented.line),
    expected,
    hint: "Another machine answers at this address, or the machine was rebuilt. Only when you know why the key changed, replace the accepted key; otherwise somebody may be in between.",
    cause,
  });
}

import type { ErrorCode } from "../errors/codes.js";
import { MulticloudError } from "../errors/multicloud-error.js";

const codes: Record<string, ErrorCode> = {
  HOST_KEY_MISMATCH: "HOST_KEY_MISMATCH",
  AUTH_FAILED: "SSH_AUTH_FAILED",
  UNREACHABLE: "HOST_UNREACHABLE",
  TIMEOUT: "HOST_UNREACHABLE",
  CLOSED: "HOST_UNREACHABLE",
  FORWARD_FAILED: "HOST_UNREACHABLE",
};

const hints: Partial<Record<ErrorCode, string>> = {
  HOST_KEY_MISMATCH:
    "somebody may stand between you and the machine. If the machine was really reinstalled by you, delete it in its cloud and run up() again: a new one is made and pinned",
  SSH_AUTH_FAILED:
    "the machine does not accept the cluster's key: was ssh.user or ssh.privateKeyFile changed after it was made?",
  HOST_UNREACHABLE:
    "check that the machine runs, that its firewall lets port 22 in, and, behind NAT, that the site's jump host is right",
};

/** The SSH package's error as one of the SDK's, with the node that it concerns. */
export function fromSshError(error: unknown, site: string, node: string): unknown {
  const code = codes[String((error as { code?: unknown } | undefined)?.code)];
  if (!(error instanceof Error) || code === undefined || MulticloudError.isInstance(error)) return error;
  return new MulticloudError(`${node}: ${error.message}`, {
    code,
    site,
    node,
    service: "ssh",
    hint: hints[code],
    cause: error,
  });
}

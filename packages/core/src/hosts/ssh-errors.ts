import type { ErrorCode } from "../errors/codes.js";
import { MulticloudError } from "../errors/multicloud-error.js";

const codes: Record<string, ErrorCode> = {
  OPTIONS_INVALID: "CONFIG_INVALID",
  HOST_KEY_MISMATCH: "HOST_KEY_MISMATCH",
  AUTH_FAILED: "SSH_AUTH_FAILED",
  UNREACHABLE: "HOST_UNREACHABLE",
  TIMEOUT: "HOST_UNREACHABLE",
  CLOSED: "HOST_UNREACHABLE",
  FORWARD_FAILED: "HOST_UNREACHABLE",
};

const nodeHints: Partial<Record<ErrorCode, string>> = {
  HOST_KEY_MISMATCH:
    "somebody may stand between you and the machine. If the machine was really reinstalled by you, delete it in its cloud and run up() again: a new one is made and pinned",
  SSH_AUTH_FAILED:
    "the machine does not accept the cluster's key: was ssh.user or ssh.privateKeyFile changed after it was made?",
  HOST_UNREACHABLE:
    "check in its cloud that the machine runs and that its firewall lets port 22 in. A worker or a gateway that is beyond help may be deleted there: the next up() makes it anew",
};

const jumpHints: Partial<Record<ErrorCode, (path: string) => string>> = {
  HOST_KEY_MISMATCH: (path) =>
    `somebody may stand between you and the jump host. Only when you know why its key changed, put the new one into ${path}.hostKey`,
  SSH_AUTH_FAILED: (path) =>
    `check ${path}.user, and that its authorized_keys has the public half of ${path}.privateKeyFile`,
  HOST_UNREACHABLE: (path) =>
    `check ${path}.host and ${path}.port, that the jump host is on, and that the router passes the port on to it`,
};

/** What the SSH package's errors have that is needed here; the package itself is loaded only when it is used. */
interface SshErrorLike extends Error {
  readonly code: string;
  readonly hop?: { readonly jump: boolean };
}

/** The SSH package's error as one of the SDK's, with the node, or the jump host, that it concerns. */
export function fromSshError(error: unknown, site: string, node: string): unknown {
  if (!(error instanceof Error) || MulticloudError.isInstance(error)) return error;
  const code = codes[String((error as SshErrorLike).code)];
  if (code === undefined) return error;
  const base = { code, site, service: "ssh", cause: error };
  if ((error as SshErrorLike).hop?.jump !== true) {
    return new MulticloudError(`${node}: ${error.message}`, { ...base, node, hint: nodeHints[code] });
  }
  return new MulticloudError(`the jump host of ${site}: ${firstMessage(error)}`, {
    ...base,
    hint: jumpHints[code]?.(`sites.${site}.jump`),
  });
}

/** Without how often each node tried, so that the nodes of a site that have the same trouble say the same. */
function firstMessage(error: Error): string {
  const { cause } = error;
  return cause instanceof Error && error.message.startsWith(cause.message)
    ? firstMessage(cause)
    : error.message;
}

import { type ErrorCode, MulticloudError, type SiteContext } from "@multicloud/core/plugin";
import type { SshHost } from "@multicloud/ssh";
import { jumpsOf, type StaticHost } from "./hosts.js";

/** How the provider logs in to hosts. */
export interface Login {
  /** Private key in OpenSSH's format. */
  readonly privateKeyFile?: string;
  /** Unix socket of an SSH agent. Default, without a key: the environment's `SSH_AUTH_SOCK`. */
  readonly agentSocket?: string;
  /** For one attempt to connect and log in, for each host of the way, in milliseconds. Default 10,000. */
  readonly connectTimeoutMs?: number;
}

/** A session with one host: connected, used, closed. Errors name the host. */
export async function onHost<T>(
  host: StaticHost,
  login: Login,
  context: SiteContext,
  work: (remote: SshHost) => Promise<T>,
): Promise<T> {
  const { connect } = await import("@multicloud/ssh");
  const { signal, dialer } = context;
  signal.throwIfAborted();
  const agentSocket =
    login.agentSocket ?? (login.privateKeyFile === undefined ? process.env.SSH_AUTH_SOCK : undefined);
  let remote: SshHost | undefined;
  try {
    remote = await connect({
      host: host.address,
      user: host.user,
      hostKeys: [host.hostKey],
      jump: jumpsOf(host),
      dialer,
      signal,
      ...(host.port === undefined ? {} : { port: host.port }),
      ...(login.privateKeyFile === undefined ? {} : { privateKeyFile: login.privateKeyFile }),
      ...(agentSocket ? { agentSocket } : {}),
      ...(login.connectTimeoutMs === undefined ? {} : { connectTimeoutMs: login.connectTimeoutMs }),
    });
    return await work(remote);
  } catch (error) {
    signal.throwIfAborted();
    throw explain(error, host, context);
  } finally {
    await remote?.close();
  }
}

const codes: Readonly<Record<string, ErrorCode>> = {
  OPTIONS_INVALID: "CONFIG_INVALID",
  HOST_KEY_MISMATCH: "HOST_KEY_MISMATCH",
  AUTH_FAILED: "SSH_AUTH_FAILED",
  UNREACHABLE: "HOST_UNREACHABLE",
  TIMEOUT: "HOST_UNREACHABLE",
  CLOSED: "HOST_UNREACHABLE",
  FORWARD_FAILED: "HOST_UNREACHABLE",
};

const hints: Partial<Record<ErrorCode, string>> = {
  CONFIG_INVALID: "give staticHosts a privateKeyFile, or run an SSH agent that has the key",
  HOST_KEY_MISMATCH:
    "somebody may stand between you and the host. If it was reinstalled by you, put its new key in hostKey",
  SSH_AUTH_FAILED: "does the host know the key of privateKeyFile (or of the agent) for this user?",
  HOST_UNREACHABLE: "start the host or mend the way to it, or take it out of the list of hosts",
};

function explain(error: unknown, host: StaticHost, { site }: SiteContext): unknown {
  if (!(error instanceof Error) || MulticloudError.isInstance(error)) return error;
  const code = codes[String((error as { code?: unknown }).code)] ?? "REMOTE_COMMAND_FAILED";
  return new MulticloudError(`the host ${host.name}: ${error.message}`, {
    code,
    site,
    service: "ssh",
    hint: hints[code],
    cause: error,
  });
}

import {
  type ErrorCode,
  type ExecOptions,
  type ExecResult,
  type GatewayContext,
  MulticloudError,
  type RemoteHost,
  type SiteContext,
} from "@multicloud/core/plugin";
import type { SshHost } from "@multicloud/ssh";
import { type GatewayHost, jumpsOf } from "./options.js";
import { afterOthers, alone, lockSeconds } from "./remote-lock.js";

/**
 * A session with the gateway's machine: connected, used, closed. Errors name the machine.
 *
 * @param host a machine that is there already; otherwise it is the one that the site's provider has made
 */
export async function onMachine<T>(
  host: GatewayHost | undefined,
  context: GatewayContext,
  work: (remote: RemoteHost) => Promise<T>,
): Promise<T> {
  if (host) return onHost(host, context, work);
  const { machine, signal, site } = context;
  if (!machine) {
    throw new MulticloudError("the gateway was given no machine", {
      code: "PLUGIN_INCOMPATIBLE",
      site,
      hint: "upgrade @multicloud/core to a release that makes machines for gateways",
    });
  }
  try {
    return await work(await machine.connect());
  } catch (error) {
    signal.throwIfAborted();
    throw explain(error, machine.name, site, madeHints);
  }
}

async function onHost<T>(
  host: GatewayHost,
  context: SiteContext,
  work: (remote: RemoteHost) => Promise<T>,
): Promise<T> {
  const { connect } = await import("@multicloud/ssh");
  const { signal, dialer } = context;
  signal.throwIfAborted();
  const agentSocket =
    host.agentSocket ?? (host.privateKeyFile === undefined ? process.env.SSH_AUTH_SOCK : undefined);
  let remote: SshHost | undefined;
  try {
    remote = await connect({
      host: host.host,
      user: host.user,
      hostKeys: [host.hostKey],
      jump: jumpsOf(host),
      dialer,
      signal,
      ...(host.port === undefined ? {} : { port: host.port }),
      ...(host.privateKeyFile === undefined ? {} : { privateKeyFile: host.privateKeyFile }),
      ...(agentSocket ? { agentSocket } : {}),
    });
    return await work(remote);
  } catch (error) {
    signal.throwIfAborted();
    throw explain(error, host.host, context.site);
  } finally {
    await remote?.close();
  }
}

/** Runs a script as root and gives what it wrote; an exit code that is not expected is an error with its last lines. */
export async function run(
  remote: RemoteHost,
  context: SiteContext,
  doing: string,
  script: string,
  options: Pick<ExecOptions, "stdin" | "timeoutMs"> & {
    readonly hint?: string;
    readonly reads?: boolean;
  } = {},
): Promise<string> {
  const { hint, reads = false, ...rest } = options;
  const { code, stdout, stderr } = await execute(
    remote,
    context,
    (reads ? afterOthers : alone)(script),
    rest,
  );
  if (code === 0) return stdout;
  const said = (stderr.trim() || stdout.trim()).split("\n").slice(-6).join(" | ");
  throw failed(remote, context, doing, said || `exit code ${code}`, hint);
}

/** Runs a command as root; its own time comes on top of the time that it may wait for another. */
export function execute(
  remote: RemoteHost,
  { signal }: SiteContext,
  command: string,
  { timeoutMs = 60_000, ...options }: Pick<ExecOptions, "stdin" | "timeoutMs"> = {},
): Promise<ExecResult> {
  return remote.exec(command, { sudo: true, signal, timeoutMs: timeoutMs + lockSeconds * 1000, ...options });
}

export function failed(
  remote: RemoteHost,
  { site }: SiteContext,
  doing: string,
  why: string,
  hint?: string,
): MulticloudError {
  return new MulticloudError(`the gateway at ${remote.address}: ${doing} failed: ${why}`, {
    code: "REMOTE_COMMAND_FAILED",
    site,
    service: "haproxy",
    hint,
  });
}

const codes: Readonly<Record<string, ErrorCode>> = {
  OPTIONS_INVALID: "CONFIG_INVALID",
  HOST_KEY_MISMATCH: "HOST_KEY_MISMATCH",
  AUTH_FAILED: "SSH_AUTH_FAILED",
  UNREACHABLE: "HOST_UNREACHABLE",
  TIMEOUT: "HOST_UNREACHABLE",
  CLOSED: "HOST_UNREACHABLE",
};

const hints: Partial<Record<ErrorCode, string>> = {
  CONFIG_INVALID: "give the gateway's host a privateKeyFile, or run an SSH agent that has the key",
  HOST_KEY_MISMATCH:
    "somebody may stand between you and the gateway. If it was reinstalled by you, put its new key in host.hostKey",
  SSH_AUTH_FAILED: "does the gateway know the key of host.privateKeyFile (or of the agent) for this user?",
  HOST_UNREACHABLE: "start the gateway or mend the way to it; check host.host, host.port and host.jump",
};

/** Of a machine that the provider made, nobody gave an address or a key. */
const madeHints: typeof hints = {
  HOST_UNREACHABLE: "see in its cloud whether the machine runs; the next up() goes on from here",
};

function explain(error: unknown, machine: string, site: string, tell = hints): unknown {
  if (!(error instanceof Error) || MulticloudError.isInstance(error)) return error;
  const code = codes[String((error as { code?: unknown }).code)] ?? "REMOTE_COMMAND_FAILED";
  return new MulticloudError(`the gateway at ${machine}: ${error.message}`, {
    code,
    site,
    service: "ssh",
    hint: tell[code],
    cause: error,
  });
}

import type { ClientChannel } from "ssh2";
import type { Connection } from "../connection/connection.js";
import { hopName, SshError } from "../ssh-error.js";
import { type SessionSlots, sessionSlots } from "./session-slots.js";

// OpenSSH allows 10 sessions; one is kept for SFTP and one for somebody's luck.
const MAX_COMMANDS = 8;

/** A connection with its bound on commands. */
export interface Session {
  readonly connection: Connection;
  readonly slots: SessionSlots;
}

/** What the calls of one host share. */
export function createSession(connection: Connection): Session {
  return { connection, slots: sessionSlots(MAX_COMMANDS) };
}

/** Starts a command and hands over its channel, or rejects with `CHANNEL_FAILED` or `CLOSED`. */
export async function openCommand(
  { connection, slots }: Session,
  command: string,
  signal: AbortSignal,
): Promise<ClientChannel> {
  for (;;) {
    const release = await slots.acquire(signal);
    try {
      const channel = await startCommand(connection, command);
      channel.once("close", release);
      connection.ended.addEventListener("abort", release, { once: true });
      channel.once("close", () => connection.ended.removeEventListener("abort", release));
      return channel;
    } catch (error) {
      // A server with a lower MaxSessions refuses the channel, not the command: wait for one of ours to end.
      const again = isOpenFailure(error) && !signal.aborted && slots.shrink();
      release();
      if (!again) throw channelFailure(connection, error, "a command");
    }
  }
}

function startCommand(connection: Connection, command: string): Promise<ClientChannel> {
  return new Promise((resolve, reject) => {
    // Throws when the connection is down already.
    connection.client.exec(command, (error, channel) => (error ? reject(error) : resolve(channel)));
  });
}

/** True for SSH_MSG_CHANNEL_OPEN_FAILURE (RFC 4254 §5.1), as opposed to a refused request. */
function isOpenFailure(error: unknown): boolean {
  return typeof (error as { reason?: unknown }).reason === "number";
}

/** A channel that could not be opened as this package's error; a lost connection stays `CLOSED`. */
export function channelFailure(connection: Connection, error: unknown, what: string): unknown {
  if (connection.ended.aborted) return connection.ended.reason;
  const { hop } = connection;
  const detail = error instanceof Error ? error.message : String(error);
  if (/not connected|no response from server/i.test(detail)) {
    return new SshError(`the connection to ${hopName(hop)} was lost`, { code: "CLOSED", hop, cause: error });
  }
  return new SshError(`${hopName(hop)} refused to start ${what}: ${detail}`, {
    code: "CHANNEL_FAILED",
    hop,
    hint: "Check ForceCommand, MaxSessions and the login shell on the host.",
    cause: error,
  });
}

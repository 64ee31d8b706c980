import { setTimeout as delay } from "node:timers/promises";
import type { ClientChannel } from "ssh2";
import { bounded } from "../bounded.js";
import type { Connection } from "../connection/connection.js";
import { hopName, SshError } from "../ssh-error.js";
import { type SessionSlots, sessionSlots } from "./session-slots.js";

// OpenSSH allows 10 sessions; SFTP takes one.
const MAX_COMMANDS = 8;

// For the server's answer to "run this", not for the command.
const OPEN_TIMEOUT_MS = 30_000;

/** A connection with its bound on commands. */
export interface Session {
  readonly connection: Connection;
  readonly slots: SessionSlots;
}

/** What the calls of one host share. */
export function createSession(connection: Connection): Session {
  return { connection, slots: sessionSlots(MAX_COMMANDS) };
}

/**
 * Starts a command, or rejects with `CHANNEL_FAILED` or `CLOSED`. `attach` gets the channel in the turn in
 * which it opens: a short command's output and exit status may be in the same packet as the confirmation.
 */
export async function openCommand<T>(
  { connection, slots }: Session,
  command: string,
  signal: AbortSignal,
  attach: (channel: ClientChannel) => T,
): Promise<T> {
  for (;;) {
    const release = await slots.acquire(signal);
    try {
      return await startPatiently(connection, command, (channel) => {
        connection.ended.addEventListener("abort", release, { once: true });
        channel.once("close", () => {
          connection.ended.removeEventListener("abort", release);
          release();
        });
        return attach(channel);
      });
    } catch (error) {
      // A server with a lower MaxSessions refuses the channel, not the command: wait for one of ours to end.
      const again = isOpenFailure(error) && !signal.aborted && slots.shrink();
      release();
      if (!again) throw channelFailure(connection, error, "a command");
    }
  }
}

// sshd frees a session one turn after it has read our CHANNEL_CLOSE: a channel asked for in the same packet
// is refused, and granted a moment later.
async function startPatiently<T>(
  connection: Connection,
  command: string,
  attach: (channel: ClientChannel) => T,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await startCommand(connection, command, attach);
    } catch (error) {
      if (!isOpenFailure(error) || attempt > 3 || connection.ended.aborted) throw error;
      await delay(10 * 2 ** attempt * (0.5 + Math.random() / 2));
    }
  }
}

function startCommand<T>(
  { client, hop }: Connection,
  command: string,
  attach: (channel: ClientChannel) => T,
): Promise<T> {
  return bounded(
    () =>
      new Promise((resolve, reject) => {
        // Throws when the connection is down already.
        client.exec(command, (error, channel) => (error ? reject(error) : resolve(attach(channel))));
      }),
    {
      signals: [],
      timeoutMs: OPEN_TIMEOUT_MS,
      timeoutError: () =>
        new SshError(`${hopName(hop)} did not start a command within ${OPEN_TIMEOUT_MS} ms`, {
          code: "TIMEOUT",
          hop,
        }),
    },
  );
}

/** True for SSH_MSG_CHANNEL_OPEN_FAILURE (RFC 4254 §5.1), as opposed to a refused request. */
function isOpenFailure(error: unknown): boolean {
  return typeof (error as { reason?: unknown }).reason === "number";
}

/** A channel that could not be opened as this package's error; a lost connection stays `CLOSED`. */
export function channelFailure(connection: Connection, error: unknown, what: string): unknown {
  if (connection.ended.aborted) return connection.ended.reason;
  if (SshError.isInstance(error)) return error;
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

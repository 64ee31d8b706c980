import type { ClientChannel } from "ssh2";
import { bounded } from "../bounded.js";
import type { ExecOptions } from "../remote-host.js";
import { shellQuote } from "../shell-quote.js";
import { hopName, SshError } from "../ssh-error.js";
import { lineReader } from "./line-reader.js";
import { openCommand, type Session } from "./session.js";

/** How a command ended, with its output as bytes. */
export interface CommandResult {
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  readonly code: number | undefined;
  readonly signal: string | undefined;
}

/** Runs one command; see `SshHost.exec`. */
export async function runCommand(
  session: Session,
  command: string,
  options: ExecOptions = {},
): Promise<CommandResult> {
  const { connection } = session;
  const { hop, ended } = connection;
  const timeoutMs = options.timeoutMs ?? 600_000;
  const signals = options.signal ? [options.signal, ended] : [ended];
  const given = AbortSignal.any(signals);
  // Always by sh, whatever root's login shell is; root itself may have no sudo.
  const sudo = hop.user === "root" ? "" : "sudo -n -- ";
  const line = options.sudo ? `${sudo}sh -c ${shellQuote(command)}` : command;
  const stop = (channel: ClientChannel) => {
    if (!ended.aborted) channel.close();
  };
  const attach = (channel: ClientChannel) => {
    const result = collect(channel, session, options);
    // Whoever gave up meanwhile does not want to hear of it.
    result.catch(() => {});
    return { channel, result };
  };
  const running = await bounded(() => openCommand(session, line, given, attach), {
    signals: [given],
    discard: ({ channel }) => stop(channel),
  });
  return bounded(() => running.result, {
    signals: [given],
    timeoutMs,
    timeoutError: () =>
      new SshError(`a command on ${hopName(hop)} did not end within ${timeoutMs} ms: ${summary(command)}`, {
        code: "TIMEOUT",
        hop,
      }),
    cancel: () => stop(running.channel),
  });
}

function collect(
  channel: ClientChannel,
  { connection }: Session,
  options: ExecOptions,
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const { hop } = connection;
    const fail = (error: unknown) => {
      reject(error);
      channel.close();
    };
    const stdout = collector(channel, options.onStdout?.bind(options), fail);
    const stderr = collector(channel.stderr, options.onStderr?.bind(options), fail);
    let exit: Pick<CommandResult, "code" | "signal"> | undefined;
    channel.on("exit", (code: number | null, signal?: string) => {
      exit = { code: code ?? undefined, signal: signal?.replace(/^SIG/, "") };
    });
    // Writing to a command that has ended already is no failure of the command.
    channel.on("error", () => {});
    channel.stderr.on("error", () => {});
    // `exit` may come before the last output does, `close` never.
    channel.on("close", () => {
      if (connection.ended.aborted) return reject(connection.ended.reason);
      if (!exit) {
        return reject(
          new SshError(`${hopName(hop)} closed a command's channel without saying how it ended`, {
            code: "CHANNEL_FAILED",
            hop,
          }),
        );
      }
      resolve({ stdout: stdout.end(), stderr: stderr.end(), ...exit });
    });
    channel.end(options.stdin ?? "");
  });
}

function collector(
  stream: NodeJS.ReadableStream,
  onLine: ((line: string) => void) | undefined,
  fail: (error: unknown) => void,
) {
  const chunks: Buffer[] = [];
  const lines = onLine && lineReader(onLine);
  // A callback that throws must not unwind through ssh2, which would take it for a protocol error.
  const guarded = (work: () => void) => {
    try {
      work();
    } catch (error) {
      fail(error);
    }
  };
  stream.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    guarded(() => lines?.write(chunk));
  });
  return {
    end() {
      guarded(() => lines?.end());
      return Buffer.concat(chunks);
    },
  };
}

function summary(command: string): string {
  const line = command.trim().split("\n", 1)[0] ?? "";
  return line.length > 60 ? `${line.slice(0, 60)}…` : line;
}

import { setMaxListeners } from "node:events";
import type { ServerChannel, Session } from "ssh2";
import type { ChangeLog } from "./change-log.js";
import type { Host } from "./host.js";
import { createSource, type Descriptor } from "./shell/descriptors.js";
import { Unwind } from "./shell/state.js";

/** One command over SSH. */
export interface ExecRequest {
  readonly host: Host;
  readonly user: string;
  readonly channel: ServerChannel;
  readonly session: Session;
  /** `undefined` is a shell that reads its commands from standard input. */
  readonly command: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly changes: ChangeLog;
  /** Aborts when the connection is gone. */
  readonly gone: AbortSignal;
}

const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/** Debian keeps `/sbin` from users who are not root; Ubuntu has it for all, in `/etc/environment`. */
const userPath = "/usr/local/bin:/usr/bin:/bin:/usr/games";

/**
 * Runs a command through the user's login shell and answers with its output, exit code or signal. The command
 * is killed at its next step when its channel or connection closes, or by a signal request.
 */
export async function runExec(request: ExecRequest): Promise<void> {
  const { host, channel } = request;
  const account = host.accounts.user(request.user);
  const who = host.accounts.credentials(request.user);
  if (!account || !who) return void channel.close();

  const stop = new AbortController();
  setMaxListeners(0, stop.signal);
  let signalName: string | undefined;
  channel.once("close", () => stop.abort());
  channel.on("error", () => stop.abort());
  request.gone.addEventListener("abort", () => stop.abort(), { once: true });
  request.session.on(
    "signal",
    (agree: (() => void) | undefined, _refuse: unknown, info: { name: string }) => {
      agree?.();
      signalName = info.name.replace(/^SIG/, "");
      stop.abort();
    },
  );

  const source = createSource(readerOf(channel));
  await host.clock.sleep(host.timing.roundTripMs);
  const write = (stream: NodeJS.WritableStream) => (data: Buffer) =>
    new Promise<void>((resolve) => {
      if (stop.signal.aborted || stream.write(data)) return resolve();
      stop.signal.addEventListener("abort", () => resolve(), { once: true });
      stream.once("drain", resolve);
    });
  const descriptors = new Map<number, Descriptor>([
    [0, { source }],
    [1, { sink: { write: write(channel) } }],
    [2, { sink: { write: write(channel.stderr) } }],
  ]);
  const env = {
    ...request.env,
    PATH: who.uid === 0 || host.disk.find("/etc/environment") ? systemPath : userPath,
    HOME: account.home,
    USER: account.name,
    LOGNAME: account.name,
    SHELL: account.shell,
    PWD: account.home,
  };
  const cwd = host.disk.find(account.home) ? account.home : "/";
  let code: number | undefined;
  let killed: string | undefined;
  try {
    const script = request.command ?? (await source.readAll()).toString("utf8");
    const shell = host.startShell(
      { who, env, cwd, umask: 0o022, descriptors, changes: request.changes, signal: stop.signal },
      { name: "sh", script, dialect: account.shell.endsWith("bash") ? "bash" : "dash" },
    );
    code = await Promise.race([shell, aborted(stop.signal)]);
    // A program that ignores its signal still ends before its changes are counted.
    shell.catch(() => {});
  } catch (error) {
    if (!stop.signal.aborted && !(error instanceof Unwind)) {
      channel.stderr.write(
        `defect in the sandbox's shell: ${error instanceof Error ? error.stack : String(error)}\n`,
      );
      code = 70;
    } else killed = signalName ?? "HUP";
  }
  await request.changes.settle();
  try {
    if (killed !== undefined) channel.exit(killed, false, "");
    else channel.exit(code ?? 0);
    channel.end();
    channel.resume();
    channel.close();
  } catch {
    // The connection went away meanwhile: nobody is left to be told.
  }
}

/**
 * Chunks of the channel's input, as they are asked for. It is always taken from the channel, which would not
 * tell of its closing otherwise; and not by iteration, which destroys the channel at the end of its input.
 */
function readerOf(channel: ServerChannel): () => Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let ended = false;
  let wake = () => {};
  channel.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    wake();
  });
  const end = () => {
    ended = true;
    wake();
  };
  channel.once("end", end);
  channel.once("close", end);
  return async () => {
    while (chunks.length === 0 && !ended) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    return chunks.shift();
  };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const fail = () => reject(new Unwind("killed", 143));
    if (signal.aborted) fail();
    signal.addEventListener("abort", fail, { once: true });
  });
}

import { posix } from "node:path";
import type { SFTPWrapper } from "ssh2";
import { bounded } from "../bounded.js";
import { hopName, SshError } from "../ssh-error.js";
import { runCommand } from "./run-command.js";
import { channelFailure, type Session } from "./session.js";
import { shellPath } from "./shell-path.js";

/**
 * Files over SFTP, on one channel that is opened at the first use and opened again when it broke. Writers of
 * one path have to take turns.
 */
export interface Sftp {
  read(path: string, signal: AbortSignal | undefined, timeoutMs: number): Promise<Uint8Array>;
  replace(
    path: string,
    data: Buffer,
    mode: number,
    signal: AbortSignal | undefined,
    timeoutMs: number,
  ): Promise<void>;
}

// Status codes of SFTP version 3 (draft-ietf-secsh-filexfer-02 §7).
const reasons: Record<number, string> = { 2: "ENOENT", 3: "EACCES", 4: "EIO", 8: "ENOTSUP" };
const FAILURE = 4;

type Done<T> = (error: Error | null | undefined, value: T) => void;

function call<T>(start: (done: Done<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => (error ? reject(error) : resolve(value)));
  });
}

/** SFTP of one host. */
export function createSftp(session: Session): Sftp {
  const { connection } = session;
  const move = async (from: string, to: string, signal: AbortSignal | undefined) => {
    const result = await runCommand(session, `mv -f ${shellPath(from)} ${shellPath(to)}`, {
      timeoutMs: 30_000,
      ...(signal && { signal }),
    });
    if (result.code !== 0) throw new Error(result.stderr.toString().trim() || "mv failed");
  };
  const { hop, ended } = connection;
  let opening: Promise<SFTPWrapper> | undefined;

  const open = () => {
    opening ??= call<SFTPWrapper>((done) => connection.client.sftp(done)).then(
      (sftp) => {
        const forget = () => {
          opening = undefined;
        };
        sftp.on("error", forget);
        sftp.on("close", forget);
        return sftp;
      },
      (error: unknown) => {
        opening = undefined;
        throw channelFailure(connection, error, "SFTP");
      },
    );
    return opening;
  };

  const during = async <T>(
    verb: string,
    path: string,
    signal: AbortSignal | undefined,
    timeoutMs: number,
    work: (sftp: SFTPWrapper) => Promise<T>,
  ) => {
    try {
      return await bounded(async () => work(await open()), {
        signals: [signal, ended],
        timeoutMs,
        timeoutError: () =>
          new SshError(`could not ${verb} ${path} on ${hopName(hop)} within ${timeoutMs} ms`, {
            code: "TIMEOUT",
            hop,
          }),
      });
    } catch (error) {
      signal?.throwIfAborted();
      if (ended.aborted) throw ended.reason;
      if (SshError.isInstance(error)) throw error;
      const { code, message } = error as Error & { code?: number };
      throw new SshError(`cannot ${verb} ${path} on ${hopName(hop)}: ${message}`, {
        code: "FILE_FAILED",
        hop,
        reason: reasons[code ?? FAILURE],
        cause: error,
      });
    }
  };

  return {
    read: (path, signal, timeoutMs) =>
      during("read", path, signal, timeoutMs, (sftp) => call<Buffer>((done) => sftp.readFile(path, done))),
    replace: (path, data, mode, signal, timeoutMs) =>
      during("write", path, signal, timeoutMs, (sftp) =>
        replaceFile(sftp, path, data, mode, (from, to) => move(from, to, signal)),
      ),
  };
}

// The temporary name is always the same, so that a repeat cleans up after a writer that was killed.
async function replaceFile(
  sftp: SFTPWrapper,
  path: string,
  data: Buffer,
  mode: number,
  move: (from: string, to: string) => Promise<void>,
): Promise<void> {
  const temporary = posix.join(posix.dirname(path), `.${posix.basename(path)}.multicloud-tmp`);
  const create = () => call<Buffer>((done) => sftp.open(temporary, "wx", { mode: 0o600 }, done));
  const unlink = () => call<void>((done) => sftp.unlink(temporary, done as Done<unknown> & (() => void)));
  const handle = await create().catch(async (error: Error & { code?: number }) => {
    // Version 3 has no status of its own for "exists already".
    if (error.code !== FAILURE) throw error;
    await unlink().catch(() => {
      throw error;
    });
    return create();
  });
  try {
    // In one go: the server works through them in order.
    await Promise.all([
      call<unknown>((done) => sftp.write(handle, data, 0, data.length, 0, done as never)),
      call<unknown>((done) => sftp.fsetstat(handle, { mode } as never, done as never)),
    ]).finally(() => call<unknown>((done) => sftp.close(handle, done as never)));
    await rename(sftp, temporary, path, move);
  } catch (error) {
    await unlink().catch(() => {});
    throw error;
  }
}

// SFTP's own rename fails when the target exists. OpenSSH has an extension; elsewhere `mv` has to do it.
async function rename(
  sftp: SFTPWrapper,
  from: string,
  to: string,
  move: (from: string, to: string) => Promise<void>,
): Promise<void> {
  try {
    await call<unknown>((done) => sftp.ext_openssh_rename(from, to, done as never));
  } catch (error) {
    if (!/does not support this extended request/.test(String(error))) throw error;
    await move(from, to);
  }
}

import type { Connection } from "../connection/connection.js";
import type { SshHost } from "../remote-host.js";
import { readRemoteFile, writeRemoteFile } from "./files.js";
import { forwardStream } from "./forward.js";
import { runCommand } from "./run-command.js";
import { createSession } from "./session.js";
import { createSftp } from "./sftp.js";
import { createTurns } from "./turns.js";

/** The calls of one host over its connection. `jumps` are closed with it, the last one first. */
export function createHost(connection: Connection, jumps: readonly Connection[]): SshHost {
  const session = createSession(connection);
  const sftp = createSftp(session);
  const turns = createTurns();
  const closeJumps = async () => {
    for (const jump of [...jumps].reverse()) await jump.close();
  };
  void connection.closed.then(closeJumps);
  return {
    address: connection.hop.host,
    hostKey: connection.hostKey,
    closed: connection.closed,
    async exec(command, options) {
      const result = await runCommand(session, command, options);
      return { ...result, stdout: result.stdout.toString(), stderr: result.stderr.toString() };
    },
    readFile: (path, options) => readRemoteFile(session, sftp, path, options),
    writeFile: (path, data, options) => writeRemoteFile(session, sftp, turns, path, data, options),
    forward: (target, options) => forwardStream(connection, target, options),
    async close() {
      await connection.close();
      await closeJumps();
    },
  };
}

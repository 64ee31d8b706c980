/**
 * The program that a caller runs as `rke`: it hands its arguments to the sandbox, prints what comes back
 * and exits as told. Like the real one it dies when it is killed, or when nobody reads its output any
 * more; either breaks the connection, which ends the emulated run.
 *
 * Messages are JSON lines. To the sandbox: `{args, cwd}`, then `{printed: n}` for each line that reached
 * standard output. From it: `{line, n}` and `{exit}`.
 */
export function shimSource(nodePath: string, socketPath: string): string {
  return `#!${nodePath}
"use strict";
const socket = require("node:net").connect(${JSON.stringify(socketPath)});
const send = (message) => socket.write(JSON.stringify(message) + "\\n");
process.stdout.on("error", () => process.exit(141));
socket.on("connect", () => send({ args: process.argv.slice(2), cwd: process.cwd() }));
socket.on("error", (error) => {
  process.stderr.write("rke: the sandbox is gone: " + error.message + "\\n");
  process.exit(1);
});
socket.on("close", () => process.exit(1));
let rest = "";
socket.on("data", (chunk) => {
  const lines = (rest + chunk).split("\\n");
  rest = lines.pop();
  for (const text of lines) {
    const message = JSON.parse(text);
    if (message.exit !== undefined) return process.exit(message.exit);
    process.stdout.write(message.line + "\\n", () => send({ printed: message.n }));
  }
});
`;
}

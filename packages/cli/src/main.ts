#!/usr/bin/env node
import { runCli } from "./cli.js";

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    process.stderr.write(
      "Stopping; once more to stop at once. What was done stays, and the next run goes on.\n",
    );
    process.once(signal, () => process.exit(130));
    stop.abort(new Error(`stopped by ${signal}`));
  });
}

process.exitCode = await runCli({
  argv: process.argv.slice(2),
  cwd: process.cwd(),
  stdout: process.stdout,
  stderr: process.stderr,
  stdin: process.stdin,
  signal: stop.signal,
});

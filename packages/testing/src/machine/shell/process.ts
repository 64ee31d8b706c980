import { createFileView } from "../file-view.js";
import type { Host } from "../host.js";
import { complain, createShell, runToExit } from "./execute.js";
import { closeDescriptor } from "./redirect.js";
import type { ProcessStart, ScriptStart } from "./shell.js";
import { createState, ShellError } from "./state.js";
import { parseScript } from "./syntax.js";

/** Runs a script in a shell process of its own. Returns its exit code; rejects when it was killed. */
export async function startShell(host: Host, start: ProcessStart, script: ScriptStart): Promise<number> {
  const view = createFileView(host.disk, start.who, start.changes);
  view.umask = start.umask;
  const state = createState({
    ...start,
    name: script.name,
    dialect: script.dialect ?? "dash",
    positional: script.positional ?? [],
  });
  for (const option of script.options ?? []) state.options.add(option);
  const shell = createShell({
    state,
    host,
    who: start.who,
    view,
    changes: start.changes,
    signal: start.signal,
  });
  try {
    return await runToExit(shell, parseScript(script.script));
  } catch (error) {
    if (error instanceof ShellError) {
      await complain(shell, error.message);
      return error.status;
    }
    if (error instanceof Error && error.name === "ParseException") {
      await complain(shell, `Syntax error: ${error.message}`);
      return 2;
    }
    throw error;
  } finally {
    const inherited = new Set(start.descriptors.values());
    for (const descriptor of state.descriptors.values())
      if (!inherited.has(descriptor)) closeDescriptor(descriptor);
  }
}

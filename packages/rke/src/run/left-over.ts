import { execFile } from "node:child_process";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { delay } from "@multicloud/core/plugin";

const file = "rke.pid";

/** Notes which process runs on these files, for the case that we are killed and it goes on alone. */
export async function noteRun(directory: string, pid: number): Promise<void> {
  await writeFile(join(directory, file), `${pid}\n`, { mode: 0o600 });
}

/** Forgets the process that has ended. */
export async function forgetRun(directory: string): Promise<void> {
  await rm(join(directory, file), { force: true });
}

/**
 * Ends an `rke` that a killed process left behind: two of them on one state would spoil it. A process that
 * merely got the same id since is left alone.
 */
export async function endLeftOverRun(directory: string, signal: AbortSignal): Promise<void> {
  const pid = Number(await readFile(join(directory, file), "utf8").catch(() => ""));
  if (!Number.isSafeInteger(pid) || pid <= 1) return;
  for (let waited = 0; await isOurs(pid, directory); waited += 100) {
    signal.throwIfAborted();
    if (waited === 0) send(pid, "SIGTERM");
    if (waited === 5_000) send(pid, "SIGKILL");
    await delay(100, signal);
  }
  await forgetRun(directory);
}

async function isOurs(pid: number, directory: string): Promise<boolean> {
  // `ps` shows a process that ended but was not waited for as defunct, without its arguments.
  const answer = await promisify(execFile)("ps", ["-o", "args=", "-p", String(pid)]).catch(() => undefined);
  return answer?.stdout.includes(join(directory, "cluster.yml")) ?? false;
}

function send(pid: number, name: "SIGTERM" | "SIGKILL"): void {
  try {
    process.kill(pid, name);
  } catch {
    // It ended by itself meanwhile.
  }
}

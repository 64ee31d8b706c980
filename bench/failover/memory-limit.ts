import { mkdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** A memory limit that the kernel enforces, as the kubelet sets it for a container. */
export interface MemoryLimit {
  /** What runs a command under it. */
  readonly prefix: readonly string[];
  /** Processes that the kernel killed for want of memory. */
  kills(): Promise<number>;
  /** Once nothing runs under it any more. */
  remove(): Promise<void>;
}

const root = "/sys/fs/cgroup";

/** With `with-network.sh`, which removes what a run leaves that fails. `undefined` where the memory controller of the kernel's control groups cannot be used. */
export async function limitMemory(name: string, bytes: number): Promise<MemoryLimit | undefined> {
  const [parent, limitFile, killsFile] = (await isUnified())
    ? [root, "memory.max", "memory.events"]
    : [join(root, "memory"), "memory.limit_in_bytes", "memory.oom_control"];
  const group = join(parent, `multicloud-failover-${name}`);
  try {
    await mkdir(group, { recursive: true });
    await writeFile(join(group, limitFile), String(bytes));
  } catch {
    await rmdir(group).catch(() => {});
    return undefined;
  }
  return {
    prefix: ["sh", "-c", `echo $$ > ${group}/cgroup.procs && exec "$@"`, "sh"],
    async kills() {
      const text = await readFile(join(group, killsFile), "utf8");
      return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? Number.NaN);
    },
    remove: () => rmdir(group),
  };
}

async function isUnified(): Promise<boolean> {
  const controllers = await readFile(join(root, "cgroup.controllers"), "utf8").catch(() => "");
  return controllers.split(/\s/).includes("memory");
}

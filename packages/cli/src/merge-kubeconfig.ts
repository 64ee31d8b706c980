import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { mergeKubeconfig } from "@multicloud/kubernetes";

/**
 * Puts a kubeconfig's current context into a file under the cluster's name and makes it current; all else in the file
 * stays. A file that does not exist is made. Private (0600), and replaced in one step.
 */
export async function mergeInto(path: string, kubeconfig: string, context: string): Promise<void> {
  const existing = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  const merged = mergeKubeconfig(existing, kubeconfig, context);
  if (merged === existing) return;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${randomUUID().slice(0, 8)}.tmp`;
  try {
    await writeFile(temporary, merged, { mode: 0o600 });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

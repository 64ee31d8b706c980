import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Options } from "tsup";

/**
 * A DNS plugin's in-cluster half as its build makes it, without building the package.
 *
 * @param folder of the package
 * @param config what its tsup.config.ts exports
 */
export async function bundleProgram(folder: URL, config: unknown): Promise<string> {
  const builds = [config].flat() as readonly Options[];
  const options = builds.find(({ entry }) => JSON.stringify(entry).includes("src/in-cluster.ts"));
  if (!options) throw new Error(`the build of ${folder} makes no in-cluster half`);
  const outDir = await mkdtemp(join(tmpdir(), "multicloud-bundle-"));
  try {
    const entry = { program: fileURLToPath(new URL("src/in-cluster.ts", folder)) };
    await build({ ...options, config: false, silent: true, entry, outDir });
    return await readFile(join(outDir, "program.js"), "utf8");
  } finally {
    await rm(outDir, { recursive: true });
  }
}

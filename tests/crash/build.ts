import { copyFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "tsup";

const directory = dirname(fileURLToPath(import.meta.url));

/** The programs of this test, each for a process of its own. */
export interface Programs {
  /** Runs verbs and is killed. */
  readonly child: string;
  /** Has the sandboxes, and children. */
  readonly worker: string;
}

/** Bundles the programs from the sources: hundreds of processes are started, and most of a start is loading modules. */
export async function buildPrograms(): Promise<Programs> {
  const outDir = join(directory, "dist");
  await build({
    config: false,
    silent: true,
    clean: true,
    entry: { child: join(directory, "child.ts"), worker: join(directory, "worker.ts") },
    outDir,
    format: ["esm"],
    target: "node20",
    platform: "node",
    splitting: true,
    // These two consist of hundreds of modules each.
    noExternal: [/^@multicloud\//, /^cloudflare/, /^@kubernetes\//],
    external: [/^[^./]/],
    // For what is CommonJS in them.
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
    outExtension: () => ({ js: ".mjs" }),
    esbuildOptions(options) {
      options.conditions = ["multicloud-source"];
    },
  });
  // What travels into the cluster is looked for beside the code.
  for (const program of ["entrypoint-agent/dist/agent.js", "dns-cloudflare/dist/in-cluster.js"])
    await copyFile(join(directory, "../../packages", program), join(outDir, basename(program)));
  return { child: join(outDir, "child.mjs"), worker: join(outDir, "worker.mjs") };
}

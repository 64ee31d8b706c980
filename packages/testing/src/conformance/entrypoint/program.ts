import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { isBuiltin } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import type { OpenRecord } from "@multicloud/core/plugin";

const run = promisify(execFile);

/** A program of the in-cluster half as a file, alone in a folder as in the agent's pod: it finds no package beside it. */
export interface ProgramFile {
  /** Loads it into this process. */
  load(): Promise<OpenRecord>;
  /** The type of its export `openRecord` in a process that has no WebAssembly, as the agent's. Rejects with what Node says when it cannot be loaded. */
  typeInAgent(): Promise<string>;
  /** Removes the file. */
  close(): Promise<void>;
}

/** Writes a program into a folder of its own. */
export async function writeProgram(source: string): Promise<ProgramFile> {
  const folder = await mkdtemp(join(tmpdir(), "multicloud-record-"));
  const file = join(folder, "record.mjs");
  await writeFile(file, source);
  const { href } = pathToFileURL(file);
  return {
    load: async () => ((await import(href)) as { readonly openRecord: OpenRecord }).openRecord,
    async typeInAgent() {
      const script = `import(${JSON.stringify(href)}).then((it) => console.log(typeof it.openRecord))`;
      const { stdout } = await run(process.execPath, ["--jitless", "--eval", script], { cwd: folder });
      // V8 may warn of its flags before.
      return stdout.trim().split("\n").at(-1) ?? "";
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

const imports = [
  // import … from "x", export … from "x", import "x"
  /(?:^|[;}\n])\s*(?:import|export)\b(?:[^"'`;()]*?\bfrom)?\s*["']([^"'\n]+)["']/g,
  // import("x"), require("x")
  /\b(?:import|require)\s*\(\s*["'`]([^"'`\n]+)["'`]\s*\)/g,
];

/** What a program imports that is not Node's own, also where it would do so only later. */
export function foreignImports(source: string): readonly string[] {
  return imports
    .flatMap((pattern) => [...source.matchAll(pattern)].map(([, specifier = ""]) => specifier))
    .filter((specifier) => !isBuiltin(specifier));
}

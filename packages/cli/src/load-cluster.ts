import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { type Multicloud, type MulticloudConfig, MulticloudError, multicloud } from "@multicloud/core";

/** Names of the file that describes the cluster, in the order in which they are looked for. */
const configNames = ["ts", "mts", "js", "mjs"].map((extension) => `multicloud.config.${extension}`);

/** Imports a module by its absolute path. */
export type ImportModule = (path: string) => Promise<unknown>;

/**
 * The cluster that a file describes. Its default export is what `multicloud()` gives, or the configuration for it, or
 * a function of either.
 *
 * @throws MulticloudError `CONFIG_INVALID` when there is no such file, or it exports something else
 */
export async function loadCluster(
  cwd: string,
  given: string | undefined,
  importModule: ImportModule = importTypeScript,
): Promise<Multicloud> {
  const path = find(cwd, given);
  const module = (await importModule(path)) as { readonly default?: unknown };
  const exported =
    typeof module.default === "function" ? await (module.default as () => unknown)() : module.default;
  if (isCluster(exported)) return exported;
  if (isConfig(exported)) return multicloud(exported);
  throw new MulticloudError(`${path} has no default export that describes a cluster`, {
    code: "CONFIG_INVALID",
    hint: "export default multicloud({ name, sites, overlay, engine })",
  });
}

function find(cwd: string, given: string | undefined): string {
  const candidates = (given === undefined ? configNames : [given]).map((name) => resolve(cwd, name));
  const path = candidates.find((candidate) => existsSync(candidate));
  if (path !== undefined) return path;
  throw new MulticloudError(
    given === undefined ? `there is no ${configNames[0]} in ${cwd}` : `there is no file ${candidates[0]}`,
    {
      code: "CONFIG_INVALID",
      hint:
        given === undefined
          ? "go to the folder that has it, or name it: multicloud --config PATH"
          : "check the path after --config",
    },
  );
}

/** Node 20 runs no TypeScript; jiti compiles what the file imports, and leaves installed packages to Node. */
async function importTypeScript(path: string): Promise<unknown> {
  const { createJiti } = await import("jiti");
  return createJiti(import.meta.url).import(path);
}

function isCluster(value: unknown): value is Multicloud {
  return isObject(value) && typeof value.up === "function" && typeof value.plan === "function";
}

function isConfig(value: unknown): value is MulticloudConfig {
  return isObject(value) && isObject(value.sites);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

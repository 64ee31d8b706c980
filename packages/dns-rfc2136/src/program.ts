import { readFile } from "node:fs/promises";
import { MulticloudError } from "@multicloud/core/plugin";

/** The bundled in-cluster half, from beside this file or, from the sources, from the build. */
export async function readProgram(): Promise<string> {
  for (const path of ["./in-cluster.js", "../dist/in-cluster.js"]) {
    try {
      return await readFile(new URL(path, import.meta.url), "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
  throw new MulticloudError("the in-cluster half of @multicloud/dns-rfc2136 is not built", {
    code: "CONFIG_INVALID",
    service: "rfc2136",
    hint: "run npm run bundle in the repository, or install the published package",
  });
}

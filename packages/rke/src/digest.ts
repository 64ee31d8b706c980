import { readFile } from "node:fs/promises";
import { isAbsolute } from "node:path";
import type { ClusterYml } from "./cluster-yml/schema.js";
import { sha256 } from "./state/node-copies.js";

/** Whether an entry of `addons_include` is fetched by RKE over HTTP. */
export function isUrl(include: string): boolean {
  return /^https?:\/\//.test(include);
}

/**
 * Digest of all that decides what a run of RKE makes: the document, the program's version and the content
 * of included local files. Paths on this machine are left out, so that two operators agree; what is behind
 * a URL is not looked at.
 */
export async function digestOf(document: ClusterYml, toolVersion: string): Promise<string> {
  const { ssh_key_path: _path, bastion_host, addons_include, ...rest } = document;
  const { ssh_key_path: _bastionPath, ...bastion } = bastion_host ?? {};
  const includes = await Promise.all(
    (addons_include ?? []).map(async (include) =>
      isAbsolute(include) ? sha256(await readFile(include, "utf8")) : include,
    ),
  );
  return sha256(JSON.stringify([toolVersion, rest, bastion, includes]));
}

import { readFile } from "node:fs/promises";
import { type AddonContext, type KubernetesObject, MulticloudError } from "@multicloud/core/plugin";
import { parseAllDocuments } from "yaml";
import { download } from "./download.js";
import type { ManifestOptions, ManifestSource } from "./source.js";

/** The objects of an addon's manifest. */
export async function loadManifest(
  context: AddonContext,
  addon: string,
  options: ManifestOptions,
  release: ManifestSource,
): Promise<readonly KubernetesObject[]> {
  const source = options.manifest ?? release;
  return parseManifest(addon, await textOf(context, addon, source, options.fetch));
}

async function textOf(
  context: AddonContext,
  addon: string,
  source: ManifestSource,
  fetchOption: typeof fetch | undefined,
): Promise<string> {
  if (typeof source === "string") return source;
  if ("url" in source) return download(context, addon, source, fetchOption);
  return readFile(source.file, "utf8").catch((cause) => {
    throw new MulticloudError(`${addon}: the manifest ${source.file} cannot be read`, {
      code: "ADDON_FAILED",
      hint: "check the path in the addon's manifest option; it is relative to the working directory",
      cause,
    });
  });
}

/** Reads a YAML stream of Kubernetes objects; `List` objects are taken apart and empty documents left out. */
export function parseManifest(addon: string, text: string): readonly KubernetesObject[] {
  const documents = parseAllDocuments(text);
  const objects = (Array.isArray(documents) ? documents : []).flatMap((document, index): unknown[] => {
    const problem = document.errors[0];
    if (problem) throw invalid(addon, `document ${index + 1}: ${problem.message.split("\n")[0]}`);
    const value = document.toJS() as { kind?: unknown; items?: unknown } | null;
    return value?.kind === "List" && Array.isArray(value.items) ? value.items : [value];
  });
  const found = objects.filter((object) => object !== null && object !== undefined);
  for (const [index, object] of found.entries()) {
    const { apiVersion, kind, metadata } = object as Partial<KubernetesObject>;
    if (typeof apiVersion !== "string" || typeof kind !== "string" || typeof metadata?.name !== "string")
      throw invalid(addon, `object ${index + 1} has no apiVersion, kind or metadata.name`);
  }
  if (found.length === 0) throw invalid(addon, "there is no object in it");
  return found as KubernetesObject[];
}

function invalid(addon: string, problem: string): MulticloudError {
  return new MulticloudError(`${addon}: the manifest is not usable: ${problem}`, {
    code: "ADDON_FAILED",
    hint: "a manifest is a YAML stream of Kubernetes objects; was a page of HTML fetched instead?",
  });
}

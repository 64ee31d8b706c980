import { createHash } from "node:crypto";
import { stringify } from "yaml";
import { type ServedCall, startService } from "../world/http-service.js";
import type { World } from "../world/world.js";
import { certManagerManifest } from "./cert-manager-manifest.js";
import { longhornManifest } from "./longhorn-manifest.js";

/** A manifest that can be fetched. */
export interface ReleasedManifest {
  readonly url: string;
  /** Of the file, hexadecimal. */
  readonly sha256: string;
}

/** Emulated download sites of Longhorn and cert-manager. */
export interface Releases {
  readonly url: string;
  readonly longhorn: ReleasedManifest;
  readonly certManager: ReleasedManifest;
  readonly calls: readonly ServedCall[];
  close(): Promise<void>;
}

const longhornPath = "/longhorn/longhorn/v1.12.1/deploy/longhorn.yaml";
const certManagerPath = "/cert-manager/cert-manager/releases/download/v1.21.1/cert-manager.yaml";
const assetPath = "/release-assets/cert-manager.yaml";

/**
 * Serves short stand-ins for the two manifests at paths like those of GitHub: the same kinds, names, order
 * and webhook as the real files, so that an addon cannot tell, and as few objects as do. A release asset is
 * behind a redirect there, and so it is here.
 */
export async function createReleases(world: World): Promise<Releases> {
  const longhorn = toYaml(longhornManifest());
  const certManager = toYaml(certManagerManifest());
  const service = await startService({
    name: "releases",
    clock: world.clock,
    faults: world.faults,
    latencyMs: () => world.timing.apiCallMs,
    errorBody: (status, message) => `${status}: ${message}`,
    routes: [
      { method: "GET", path: longhornPath, handle: () => ({ status: 200, body: longhorn }) },
      {
        method: "GET",
        path: certManagerPath,
        handle: ({ origin }) => ({ status: 302, headers: { location: `${origin}${assetPath}` } }),
      },
      { method: "GET", path: assetPath, handle: () => ({ status: 200, body: certManager }) },
    ],
  });
  return {
    url: service.url,
    longhorn: { url: `${service.url}${longhornPath}`, sha256: sha256(longhorn) },
    certManager: { url: `${service.url}${certManagerPath}`, sha256: sha256(certManager) },
    calls: service.calls,
    close: service.close,
  };
}

function toYaml(objects: readonly object[]): string {
  return objects.map((object) => `---\n${stringify(object, { aliasDuplicateObjects: false })}`).join("");
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

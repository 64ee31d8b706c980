import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, join } from "node:path";
import { certManagerRelease } from "../../packages/addons/src/cert-manager/cert-manager.js";
import { longhornRelease } from "../../packages/addons/src/longhorn/longhorn.js";
import { rookReleases } from "../../packages/addons/src/rook-ceph/rook-ceph.js";
import { traefikRelease } from "../../packages/addons/src/traefik/traefik.js";

/** The manifests that addons fetch by default, by who made them. Their text is in nobody's repository but the makers'. */
const releases: Readonly<Record<string, readonly { readonly url: string; readonly sha256?: string }[]>> = {
  longhorn: [longhornRelease],
  "cert-manager": [certManagerRelease],
  traefik: [traefikRelease],
  "rook-ceph": rookReleases,
};

const folder = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "multicloud", "manifests");

/** The genuine manifests of an addon, from the cache; `undefined` when one of them is not there. */
export function genuine(addon: string): readonly string[] | undefined {
  const files = (releases[addon] ?? []).map(({ url }) => fileOf(addon, url));
  return files.every((file) => existsSync(file))
    ? files.map((file) => readFileSync(file, "utf8"))
    : undefined;
}

/** Fetches what is not in the cache yet. Says what it could not get: the tests that need it are skipped. */
export async function fetchGenuine(say: (text: string) => void): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const [addon, sources] of Object.entries(releases)) {
    for (const { url, sha256 } of sources) {
      const file = fileOf(addon, url);
      if (existsSync(file)) continue;
      try {
        const answer = await fetch(url, { signal: AbortSignal.timeout(30_000) });
        if (!answer.ok) throw new Error(`status ${answer.status}`);
        const bytes = Buffer.from(await answer.arrayBuffer());
        const found = createHash("sha256").update(bytes).digest("hex");
        if (sha256 !== undefined && found !== sha256) throw new Error(`its sha256 is ${found}`);
        await writeFile(`${file}.tmp`, bytes);
        await rename(`${file}.tmp`, file);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        say(`*** SKIPPED: the genuine manifest of ${addon} on the real API: ${url}: ${why}. ***`);
      }
    }
  }
}

function fileOf(addon: string, url: string): string {
  // The version is in the address, so another version is another file.
  const version = /\/(v\d[^/]*)\//.exec(url)?.[1] ?? "latest";
  return join(folder, `${addon}-${version}-${basename(new URL(url).pathname)}`);
}

import { programMarker } from "../machine/shell/programs.js";
import type { WebAnswer } from "../world/machines.js";
import { hashOf } from "./distribution-cluster.js";
import { type Flavour, flavours } from "./flavour.js";

/** Name of the stand-in for a program of one version. */
export const programName = (flavour: Flavour, version: string) => `${flavour.name}-${version}`;

/** The files of one release by name, short stand-ins with real checksums. */
export function releaseFiles(flavour: Flavour, version: string): ReadonlyMap<string, string> {
  const program = programMarker(programName(flavour, version));
  const files = new Map<string, string>();
  for (const arch of ["amd64", "arm64"]) {
    const names =
      flavour.name === "k3s"
        ? { main: arch === "amd64" ? "k3s" : `k3s-${arch}`, images: `k3s-airgap-images-${arch}.tar.zst` }
        : { main: `rke2.linux-${arch}.tar.gz`, images: `rke2-images.linux-${arch}.tar.zst` };
    const content = flavour.name === "k3s" ? program : `tarball of rke2 ${version} for ${arch}\n`;
    const images = `images of ${flavour.name} ${version} for ${arch}\n`;
    files.set(names.main, content);
    files.set(names.images, images);
    files.set(
      `sha256sum-${arch}.txt`,
      `${hashOf(images)}  ${names.images}\n${hashOf(content)}  ${names.main}\n`,
    );
  }
  files.set("install.sh", `#!/bin/sh\nset -e\nexec sandbox-${flavour.name}-install "$@"\n`);
  return files;
}

const repositories: Readonly<Record<Flavour["name"], string>> = { k3s: "k3s-io/k3s", rke2: "rancher/rke2" };

/** The download sites of both projects, and a mirror of them as somebody without the internet has one. */
export function createReleaseSites() {
  const replaced = new Map<string, string>();
  const requests: string[] = [];
  return {
    /** Every URL that was asked for. */
    requests: requests as readonly string[],
    /** Serves other bytes for a file of this name from now on, as a broken or a malicious mirror would. */
    replace: (file: string, content: string) => void replaced.set(file, content),
    answer(url: string): WebAnswer | undefined {
      const { hostname, pathname } = new URL(url);
      const path = decodeURIComponent(pathname);
      for (const flavour of flavours) {
        const repository = repositories[flavour.name];
        const patterns: Readonly<Record<string, RegExp>> = {
          "github.com": new RegExp(`^/${repository}/releases/download/([^/]+)/([^/]+)$`),
          "raw.githubusercontent.com": new RegExp(`^/${repository}/([^/]+)/(install\\.sh)$`),
          "mirror.example.com": new RegExp(`^/${flavour.name}/([^/]+)/([^/]+)$`),
        };
        const match = patterns[hostname]?.exec(path);
        if (!match) continue;
        requests.push(url);
        const [, version = "", file = ""] = match;
        // A release's assets stand behind a redirect there.
        if (hostname === "github.com")
          return {
            status: 302,
            headers: {
              location: `https://mirror.example.com/${flavour.name}/${encodeURIComponent(version)}/${file}`,
            },
            body: "",
          };
        const content = flavour.versions.includes(version)
          ? (replaced.get(file) ?? releaseFiles(flavour, version).get(file))
          : undefined;
        return content === undefined ? { status: 404, body: "Not Found" } : { status: 200, body: content };
      }
      if (
        hostname === "github.com" ||
        hostname === "raw.githubusercontent.com" ||
        hostname === "mirror.example.com"
      )
        return { status: 404, body: "Not Found" };
      return undefined;
    },
  };
}

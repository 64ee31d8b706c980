import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { type EngineContext, type EngineNode, MulticloudError } from "@multicloud/core/plugin";
import { type Architecture, type Distribution, pathsOf } from "./distribution.js";
import { roleOf } from "./node-config.js";
import type { DistributionSettings } from "./options.js";
import { lockSeconds, shellAlone } from "./remote-lock.js";

/** Files of one release for one architecture. */
interface ReleaseNames {
  readonly main: string;
  readonly sums: string;
  readonly script: string;
  readonly images: readonly string[];
}

function releaseNames(distribution: Distribution, architecture: Architecture): ReleaseNames {
  const { main, images } = distribution.files(architecture);
  return { main, images, sums: `sha256sum-${architecture}.txt`, script: "install.sh" };
}

/**
 * Puts a release on a node: fetches it to a directory that only root reads, verifies it there, and only then
 * runs anything of it. Safe to repeat; what was fetched and verified is not fetched again.
 *
 * @throws MulticloudError `ENGINE_FAILED` when a file cannot be fetched or is not what its checksum says
 */
export async function installRelease(
  distribution: Distribution,
  settings: DistributionSettings,
  context: EngineContext,
  node: EngineNode,
  architecture: Architecture,
): Promise<void> {
  const names = releaseNames(distribution, architecture);
  const stage = `${pathsOf(distribution).stage}/${settings.version}`;
  if (settings.files !== undefined) await uploadFiles(settings.files, names, node, stage, context.signal);
  const script = installScript(distribution, settings, node, architecture, stage);
  const { code, stderr } = await node.host.exec(shellAlone(distribution), {
    sudo: true,
    stdin: script,
    signal: context.signal,
    timeoutMs: settings.startTimeoutMs + lockSeconds * 1000,
  });
  if (code === 0) return;
  const lines = stderr.trim().split("\n").slice(-4).join(" | ");
  const isWrong = code === 65;
  throw new MulticloudError(
    `installing ${distribution.title} ${settings.version} on ${node.name} failed: ${lines}`,
    {
      code: "ENGINE_FAILED",
      site: node.site,
      node: node.name,
      service: distribution.name,
      hint: isWrong
        ? "the file is not the one of the release, so nothing of it was run; look at the mirror, or at the option sha256"
        : `can the node reach ${settings.releases}? Without the internet, give the release's files by the option files`,
    },
  );
}

function installScript(
  distribution: Distribution,
  settings: DistributionSettings,
  node: EngineNode,
  architecture: Architecture,
  stage: string,
): string {
  const names = releaseNames(distribution, architecture);
  const version = encodeURIComponent(settings.version);
  const release = (file: string) => `${settings.releases}/${version}/${file}`;
  const pinned = (file: string) => settings.sha256[file] ?? "";
  const { images } = names;
  return [
    "set -eu",
    "umask 077",
    `stage=${quote(stage)}`,
    'mkdir -p "$stage"',
    "fetch() {",
    '  [ ! -s "$stage/$1" ] || return 0',
    '  curl -f -sS -L --retry 3 --connect-timeout 20 -o "$stage/$1.part" "$2" || { echo "$2 cannot be fetched" >&2; exit 66; }',
    '  mv -f "$stage/$1.part" "$stage/$1"',
    "}",
    "verify() {",
    '  wanted="$2"',
    `  [ -n "$wanted" ] || wanted="$(awk -v name="$1" '$2 == name { print $1 }' "$stage/${names.sums}")"`,
    '  found="$(sha256sum "$stage/$1" | cut -d " " -f 1)"',
    '  if [ -z "$wanted" ] || [ "$found" != "$wanted" ]; then',
    '    rm -rf "$stage"',
    '    echo "$1 has the SHA-256 $found, but the release says "$wanted"" >&2',
    "    exit 65",
    "  fi",
    "}",
    `fetch ${names.sums} ${quote(release(names.sums))}`,
    `fetch ${names.main} ${quote(release(names.main))}`,
    `fetch ${names.script} ${quote(`${settings.scripts}/${version}/${names.script}`)}`,
    `verify ${names.main} ${quote(pinned(names.main))}`,
    ...(pinned(names.script) ? [`verify ${names.script} ${quote(pinned(names.script))}`] : []),
    ...images.map((file) => `if [ -f "$stage/${file}" ]; then verify ${file} ${quote(pinned(file))}; fi`),
    // What is installed is for everybody to run.
    "umask 022",
    distribution.installCommand(roleOf(node), architecture),
    "systemctl daemon-reload",
    `rm -rf ${quote(pathsOf(distribution).stage)}`,
    "",
  ].join("\n");
}

/** Removes what an installation that was cut off after its last step has left. */
export async function removeDownloads(
  distribution: Distribution,
  node: EngineNode,
  signal: AbortSignal,
): Promise<void> {
  const script = `rm -rf ${quote(pathsOf(distribution).stage)}`;
  await node.host.exec(shellAlone(distribution), { sudo: true, stdin: script, signal });
}

const chunkBytes = 8 * 1024 * 1024;

/** Brings the files of a release from this machine to a node; those that are there already are not sent again. */
async function uploadFiles(
  directory: string,
  names: ReleaseNames,
  node: EngineNode,
  stage: string,
  signal: AbortSignal,
): Promise<void> {
  const present = new Set(await readdir(directory));
  const files = [names.sums, names.main, names.script, ...names.images.filter((file) => present.has(file))];
  const run = async (command: string, stdin?: Uint8Array) => {
    const { code, stderr } = await node.host.exec(command, {
      sudo: true,
      signal,
      ...(stdin ? { stdin } : {}),
    });
    if (code === 0) return;
    throw new MulticloudError(`sending files to ${node.name} failed: ${stderr.trim()}`, {
      code: "REMOTE_COMMAND_FAILED",
      site: node.site,
      node: node.name,
    });
  };
  await run(`sh -c ${quote(`umask 077; mkdir -p ${quote(stage)}`)}`);
  for (const file of files) {
    const path = join(directory, file);
    const target = `${stage}/${file}`;
    const { size } = await stat(path);
    const { stdout } = await node.host.exec(`sha256sum ${quote(target)}`, { sudo: true, signal });
    // Only what may be there already is worth reading twice.
    if (stdout.trim() !== "" && stdout.startsWith(await hashOfFile(path))) continue;
    await run(`sh -c ${quote(`umask 077; : > ${quote(`${target}.part`)}`)}`);
    if (size > 0) {
      for await (const chunk of createReadStream(path, { highWaterMark: chunkBytes }))
        await run(`tee -a ${quote(`${target}.part`)} > /dev/null`, chunk as Buffer);
    }
    await run(`mv -f ${quote(`${target}.part`)} ${quote(target)}`);
  }
}

async function hashOfFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

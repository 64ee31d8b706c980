import { createHash } from "node:crypto";
import type { EngineNode } from "@multicloud/core/plugin";
import { MulticloudError } from "@multicloud/core/plugin";
import { nodeStateDirectory } from "../prepare.js";
import { type Applied, type EngineFiles, fileNames, parseApplied } from "./engine-files.js";

const caPath = "/etc/kubernetes/ssl/kube-ca.pem";
const copied = [fileNames.state, fileNames.kubeconfig, fileNames.applied] as const;

/** What a node holds of a cluster: SHA-256 of the files that exist, and when its copy was made. */
export interface NodeCopy {
  readonly node: EngineNode;
  readonly stateHash: string | undefined;
  /** Hash of the CA certificate that RKE put there: the node belongs (or belonged) to a cluster. */
  readonly caHash: string | undefined;
  readonly applied: Applied | undefined;
}

/** Looks at the copies on all nodes at once. Reads only. */
export async function surveyNodes(
  nodes: readonly EngineNode[],
  signal: AbortSignal,
): Promise<readonly NodeCopy[]> {
  return Promise.all(
    nodes.map(async (node) => {
      const hashes = await hashFiles(node, [...copied.map(pathOnNode), caPath], signal);
      const hasApplied = hashes.has(pathOnNode(fileNames.applied));
      return {
        node,
        stateHash: hashes.get(pathOnNode(fileNames.state)),
        caHash: hashes.get(caPath),
        applied: hasApplied ? parseApplied(await readText(node, fileNames.applied, signal)) : undefined,
      };
    }),
  );
}

/** Reads one of the copied files of a node. */
export function readText(
  node: EngineNode,
  name: (typeof copied)[number],
  signal: AbortSignal,
): Promise<string> {
  return readRemote(node, pathOnNode(name), signal);
}

/** The CA certificate that RKE put on a node, in PEM. */
export function readCa(node: EngineNode, signal: AbortSignal): Promise<string> {
  return readRemote(node, caPath, signal);
}

/** Removes the copies from a node. */
export async function removeCopies(node: EngineNode, signal: AbortSignal): Promise<void> {
  await run(node, `rm -f ${copied.map(pathOnNode).join(" ")}`, signal);
}

/**
 * Puts RKE's state, kubeconfig and digest on every node where they differ, so that the cluster can be
 * managed from another machine when this one is lost. The digest goes last: it says that the rest is there.
 * Without one (`undefined`) only the rest is copied.
 *
 * @returns true when something was written
 */
export async function copyToNodes(
  files: EngineFiles,
  applied: string | undefined,
  nodes: readonly EngineNode[],
  signal: AbortSignal,
): Promise<boolean> {
  const contents = new Map<string, string>();
  for (const name of copied) {
    const content = name === fileNames.applied ? applied : await files.read(name);
    if (content !== undefined) contents.set(pathOnNode(name), content);
  }
  const written = await Promise.all(
    nodes.map(async (node) => {
      const present = await hashFiles(node, [...contents.keys()], signal);
      const differing = [...contents].filter(([path, content]) => present.get(path) !== sha256(content));
      for (const [path, content] of differing) {
        await node.host.writeFile(path, content, { mode: "0600", owner: "root:root", sudo: true, signal });
      }
      return differing.length;
    }),
  );
  return written.some((count) => count > 0);
}

async function hashFiles(
  node: EngineNode,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  // Files that do not exist make it exit 1 and are missing in its answer, which is what is asked.
  const { stdout } = await node.host.exec(`sha256sum ${paths.join(" ")}`, { sudo: true, signal });
  return new Map(
    stdout.split("\n").flatMap((line) => {
      const match = /^([0-9a-f]{64}) [ *](.+)$/.exec(line.trim());
      return match ? [[match[2] ?? "", match[1] ?? ""] as const] : [];
    }),
  );
}

async function run(node: EngineNode, command: string, signal: AbortSignal): Promise<void> {
  const { code, stderr } = await node.host.exec(command, { sudo: true, signal });
  if (code === 0) return;
  throw new MulticloudError(`${command} failed on ${node.name}: ${stderr.trim()}`, {
    code: "REMOTE_COMMAND_FAILED",
    site: node.site,
    node: node.name,
  });
}

async function readRemote(node: EngineNode, path: string, signal: AbortSignal): Promise<string> {
  return Buffer.from(await node.host.readFile(path, { sudo: true, signal })).toString("utf8");
}

function pathOnNode(name: string): string {
  return `${nodeStateDirectory}/${name}`;
}

/** SHA-256 as `sha256sum` prints it. */
export function sha256(content: string): string {
  return createHash("sha256").update(content).digest("hex");
}

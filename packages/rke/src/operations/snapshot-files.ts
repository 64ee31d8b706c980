import { type EngineNode, MulticloudError, type Problem } from "@multicloud/core/plugin";

/** Where RKE keeps snapshots on the masters, as zip archives. Source: RKE `services/etcd.go`. */
const snapshotDirectory = "/opt/rke/etcd-snapshots";

/** A snapshot of etcd as the masters hold it. */
export interface Snapshot {
  readonly name: string;
  /** Masters that hold it, sorted. */
  readonly nodes: readonly string[];
}

/** What is wrong with a snapshot's name: it becomes a file's name and an argument. */
export function nameProblems(name: unknown): Problem[] {
  if (typeof name === "string" && /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(name)) return [];
  return [
    {
      path: "name",
      message: "is no name for a snapshot",
      ...(typeof name === "string" ? { given: name } : {}),
      allowed: ["letters, digits, '.', '_' and '-', at most 100, beginning with a letter or digit"],
    },
  ];
}

/** The snapshots on these masters, by name. */
export async function listSnapshots(
  masters: readonly EngineNode[],
  signal: AbortSignal,
): Promise<readonly Snapshot[]> {
  const found = new Map<string, string[]>();
  await Promise.all(
    masters.map(async (node) => {
      for (const name of await namesOn(node, signal)) {
        found.set(name, [...(found.get(name) ?? []), node.name]);
      }
    }),
  );
  return [...found]
    .map(([name, nodes]) => ({ name, nodes: nodes.sort() }))
    .sort((one, other) => (one.name < other.name ? -1 : 1));
}

async function namesOn(node: EngineNode, signal: AbortSignal): Promise<string[]> {
  const { code, stdout, stderr } = await node.host.exec(`ls -1 ${snapshotDirectory}`, { sudo: true, signal });
  if (code !== 0) {
    // A node that never took one does not have the directory.
    if (/No such file/.test(stderr)) return [];
    throw new MulticloudError(`listing ${snapshotDirectory} failed on ${node.name}: ${stderr.trim()}`, {
      code: "REMOTE_COMMAND_FAILED",
      site: node.site,
      node: node.name,
    });
  }
  return stdout.split("\n").flatMap((line) => /^(.+)\.zip$/.exec(line.trim())?.[1] ?? []);
}

import type { NodeFragment } from "../contracts/fragment.js";
import { mergeFragments } from "./merge-fragments.js";
import { placedFiles } from "./placed-files.js";

/**
 * Where a fragment puts things on a node: its own files and directories, and the files behind its APT sources,
 * sudo rights and kernel settings, each also by the name that it has while it is being written: a script that was killed
 * leaves that behind. For whoever has to take them back from a machine that outlives the cluster.
 *
 * @throws ValidationError when the fragment is wrong in itself.
 */
export function fragmentPaths(fragment: NodeFragment): {
  readonly files: readonly string[];
  readonly directories: readonly string[];
  readonly leftovers: readonly string[];
} {
  const merged = mergeFragments([fragment]);
  return {
    files: placedFiles(merged).flatMap(({ path }) => [path, `${path}.mc-new`]),
    directories: merged.directories.map(({ path }) => path),
    leftovers: merged.leftovers,
  };
}

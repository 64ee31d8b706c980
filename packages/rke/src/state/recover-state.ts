import { type EngineContext, type EngineNode, MulticloudError } from "@multicloud/core/plugin";
import { type Applied, type EngineFiles, fileNames } from "./engine-files.js";
import { type NodeCopy, readCa, readText, surveyNodes } from "./node-copies.js";
import { readPending } from "./pending.js";
import { fingerprintOf, parseRkeState, type RkeState } from "./rke-state.js";

/** What recovering the state needs. */
export interface Recovery {
  readonly context: EngineContext;
  readonly files: EngineFiles;
  readonly nodes: readonly EngineNode[];
  /** Asks the cluster itself for its state and leaves it in the state file if it can. */
  askCluster(): Promise<void>;
}

/**
 * Makes sure that the local state is the newest of this cluster. Without a state RKE would make a new CA in
 * silence and break the running cluster, so a cluster whose state is nowhere is an error.
 *
 * @returns what the last successful run applied, when its files were fetched from a node. It is not noted
 *   here: the caller does that once all nodes have their copies, so that a call cut off before begins anew.
 * @throws MulticloudError `ENGINE_STATE_MISSING`
 */
export async function recoverState(recovery: Recovery): Promise<Applied | undefined> {
  const { context, files, nodes } = recovery;
  const copies = await surveyNodes(nodes, context.signal);
  const local = await files.state();
  const localAt = local === undefined ? undefined : ((await files.applied())?.at ?? "");
  const newest = newestCopy(copies);
  const isNewer = newest && (localAt === undefined || (newest.applied?.at ?? "") > localAt);
  const restored = isNewer ? await restore(recovery, newest) : false;
  if (!restored && local === undefined) {
    const member = copies.find((copy) => copy.caHash !== undefined);
    if (!member) {
      await files.remove(fileNames.state);
      return undefined;
    }
    await recovery.askCluster();
    if ((await files.state()) === undefined) throw missing(member.node, files);
  }
  const state = await files.state();
  if (state) await refuseOtherCluster(state, copies, files, context.signal);
  return restored ? newest?.applied : undefined;
}

// Copies are made after each successful run, so the newest is the one of the last run; a control plane
// node's is preferred among equals.
function newestCopy(copies: readonly NodeCopy[]): NodeCopy | undefined {
  const rank = (copy: NodeCopy) => `${copy.applied?.at ?? ""} ${copy.node.role === "master" ? 1 : 0}`;
  return copies
    .filter((copy) => copy.stateHash !== undefined)
    .sort((one, other) => (rank(one) < rank(other) ? 1 : -1))[0];
}

async function restore({ context, files }: Recovery, copy: NodeCopy): Promise<boolean> {
  const { node } = copy;
  const state = await readText(node, fileNames.state, context.signal);
  if (!parseRkeState(state)) return false;
  // What says that all is there goes first away, and the state comes last: a restore that is cut off begins anew.
  await files.remove(fileNames.applied);
  const kubeconfig = copy.applied && (await readText(node, fileNames.kubeconfig, context.signal));
  if (kubeconfig !== undefined) await files.write(fileNames.kubeconfig, kubeconfig);
  await files.write(fileNames.state, state);
  context.report({
    type: "log",
    level: "info",
    message: "fetched the state of RKE from the node's copy",
    node: node.name,
  });
  return true;
}

async function refuseOtherCluster(
  state: RkeState,
  copies: readonly NodeCopy[],
  files: EngineFiles,
  signal: AbortSignal,
): Promise<void> {
  const seen = new Set<string>();
  // While certificates are being exchanged, nodes have the authority of before or of after.
  const changing = await readPending(files);
  for (const { node, caHash } of copies) {
    if (caHash === undefined || seen.has(caHash)) continue;
    seen.add(caHash);
    const fingerprint = fingerprintOf(await readCa(node, signal));
    if (fingerprint === state.caFingerprint || changing?.authorities.includes(fingerprint)) continue;
    throw new MulticloudError(
      `the state in ${files.directory} has another certificate authority than ${node.name}: it belongs to another cluster, and running RKE with it would break the one that runs`,
      {
        code: "ENGINE_STATE_MISSING",
        site: node.site,
        node: node.name,
        hint: `put the ${fileNames.state} of this cluster there; or, if the node comes from a cluster that is given up, clean it with reset()`,
      },
    );
  }
}

function missing(node: EngineNode, files: EngineFiles): MulticloudError {
  return new MulticloudError(
    `${node.name} belongs to a cluster whose RKE state is neither in ${files.directory} nor on any node; running RKE without it would make a new certificate authority and break the cluster`,
    {
      code: "ENGINE_STATE_MISSING",
      site: node.site,
      node: node.name,
      hint: `put a backup of ${fileNames.state} there; or, if the cluster is given up, clean the nodes with reset() or replace them`,
    },
  );
}

import { readFile, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import type { CertificatesBundle } from "../certificates/bundle.js";
import type { ClusterFile, FileNode } from "./cluster-file.js";
import { Fatal, type ToolCall } from "./run.js";

/** One half of the state file. */
export interface StatePart {
  readonly rkeConfig?: { readonly nodes?: readonly FileNode[]; readonly kubernetes_version?: string };
  readonly certificatesBundle?: CertificatesBundle;
  readonly encryptionConfig?: string;
}

/** RKE's state file: what the cluster is to be, and what it was when a run last succeeded. */
export interface StateFile {
  readonly desiredState: StatePart;
  readonly currentState: StatePart;
}

/** `undefined` when there is none: RKE then starts afresh, whatever runs on the nodes. */
export async function readStateFile(path: string): Promise<StateFile | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch {
    return undefined;
  }
  return parseStateFile(text, path);
}

/** Reads the text of a state file; `path` is for the message. */
export function parseStateFile(text: string, path: string): StateFile {
  try {
    const { desiredState = {}, currentState = {} } = JSON.parse(text) as Partial<StateFile>;
    return { desiredState, currentState };
  } catch (error) {
    throw new Fatal(`failed to unmarshal state file ${path}: ${(error as Error).message}`);
  }
}

/** One half of the state file for a configuration. */
export function statePart(file: ClusterFile, certificatesBundle: CertificatesBundle): StatePart {
  return {
    rkeConfig: { nodes: file.nodes, kubernetes_version: file.version },
    certificatesBundle,
    encryptionConfig: "",
  };
}

/** Writes one of RKE's files and tells the world. */
export async function writeToolFile(call: ToolCall, path: string, content: string): Promise<void> {
  call.signal.throwIfAborted();
  await writeFile(path, content, { mode: 0o600 });
  await call.world.effects.record({ service: "rke", kind: "file", action: "update", name: basename(path) });
  call.signal.throwIfAborted();
}

import type { EngineFiles } from "./engine-files.js";
import { fileNames } from "./engine-files.js";

/** An operation that has begun to change the cluster's certificates, and was not seen to end. */
export interface Pending {
  /** For people, for example `cert rotate`. */
  readonly operation: string;
  /** Digest of what was applied when it began. */
  readonly digest: string;
  /** Fingerprints of the authorities that nodes may still have, besides that of the state. */
  readonly authorities: readonly string[];
}

/** `undefined` when none is. A damaged note is none: then only the state's own authority is trusted. */
export async function readPending(files: EngineFiles): Promise<Pending | undefined> {
  const text = await files.read(fileNames.pending);
  if (text === undefined) return undefined;
  try {
    const { operation, digest, authorities } = JSON.parse(text) as Partial<Pending>;
    return typeof operation === "string" && typeof digest === "string" && Array.isArray(authorities)
      ? { operation, digest, authorities: authorities.filter((one) => typeof one === "string") }
      : undefined;
  } catch {
    return undefined;
  }
}

/** Notes that an operation begins, with the authority that the nodes have now. */
export async function notePending(files: EngineFiles, operation: string, digest: string): Promise<void> {
  const before = await readPending(files);
  const state = await files.state();
  // One that was cut off before may have left nodes with its authority, and others with the one before.
  const authorities = new Set([...(before?.authorities ?? []), ...(state ? [state.caFingerprint] : [])]);
  const pending: Pending = { operation, digest, authorities: [...authorities] };
  await files.write(fileNames.pending, `${JSON.stringify(pending)}\n`);
}

/** Notes that it has ended well. */
export function forgetPending(files: EngineFiles): Promise<void> {
  return files.remove(fileNames.pending);
}

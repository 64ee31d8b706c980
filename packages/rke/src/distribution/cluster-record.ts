import type { StateStore } from "@multicloud/core/plugin";

/** What is kept of a cluster besides what its nodes hold. Private: it has the token. */
export interface ClusterRecord {
  readonly distribution: string;
  /** The shared secret by which nodes join. */
  readonly token: string;
  /** The node that begins the cluster. */
  readonly first?: string;
  /** SHA-256 of the CA's certificate, once the cluster exists: it is this cluster and no other. */
  readonly caHash?: string;
  /** The masters of the last run that succeeded, with their overlay addresses. */
  readonly servers: readonly { readonly name: string; readonly address: string }[];
}

const key = "engine/cluster.json";

/** Reads the record; `undefined` when there is none or half of one. */
export async function readRecord(state: StateStore): Promise<ClusterRecord | undefined> {
  const data = await state.read(key);
  if (data === undefined) return undefined;
  try {
    const record = JSON.parse(Buffer.from(data).toString("utf8")) as Partial<ClusterRecord>;
    return typeof record.token === "string" && record.token !== ""
      ? {
          ...record,
          distribution: record.distribution ?? "",
          token: record.token,
          servers: record.servers ?? [],
        }
      : undefined;
  } catch {
    return undefined;
  }
}

/** Writes the record when it differs from what is there. */
export async function writeRecord(state: StateStore, record: ClusterRecord): Promise<void> {
  const text = `${JSON.stringify(record, null, 2)}\n`;
  const kept = await state.read(key);
  if (kept === undefined || Buffer.from(kept).toString("utf8") !== text) await state.write(key, text);
}

export function forgetRecord(state: StateStore): Promise<void> {
  return state.delete(key);
}

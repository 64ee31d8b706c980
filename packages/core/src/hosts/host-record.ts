import type { JumpHost } from "../contracts/remote-host.js";
import type { StateStore } from "../contracts/state-store.js";
import { MulticloudError } from "../errors/multicloud-error.js";

/** What is known of a node's host keys. Lines are public keys in OpenSSH's form. */
export interface HostRecord {
  /** Keys that went into the boot configuration: one of them must be presented at first contact. The newest first. */
  readonly oneTime: readonly string[];
  /** Keys that the host made itself and that were read over the verified channel. */
  readonly pinned: readonly string[];
  /** The host has been told to use `pinned`; the one-time keys no longer count. */
  readonly activated: boolean;
  /** The cloud's id of the machine that has these keys. A creation that was cut off may be carried out late, beside the one that was asked for again. */
  readonly machine?: string;
  /** Overlay address at the last run, for looking without connecting. */
  readonly overlayAddress?: string;
  /** The node was told to take no pods, because it was to leave. */
  readonly drained?: boolean;
  /** Address at which SSH was dialled at the last run; says through which site the cluster's API is reached. */
  readonly address?: string;
  /** Port of its SSH server, when it is not 22. */
  readonly port?: number;
  /** Jump hosts that the machine brought along itself, instead of its site's. */
  readonly jump?: readonly JumpHost[];
}

const emptyRecord: HostRecord = { oneTime: [], pinned: [], activated: false };

/** Host records of the cluster, one state key per node so that parallel nodes do not overwrite each other. */
export interface HostRecords {
  /** An empty record when there is none. */
  read(node: string): Promise<HostRecord>;
  write(node: string, record: HostRecord): Promise<void>;
  delete(node: string): Promise<void>;
  nodes(): Promise<readonly string[]>;
}

export function hostRecords(state: StateStore): HostRecords {
  const key = (node: string) => `hosts/${node}.json`;
  return {
    async read(node) {
      const data = await state.read(key(node));
      if (data === undefined) return emptyRecord;
      try {
        return { ...emptyRecord, ...(JSON.parse(Buffer.from(data).toString("utf8")) as Partial<HostRecord>) };
      } catch (error) {
        throw new MulticloudError(`the host key record of ${node} in the state is damaged`, {
          code: "STATE_DAMAGED",
          node,
          hint: "restore the state directory from a copy, or delete the machine in its cloud and run up() again",
          cause: error,
        });
      }
    },
    write: (node, record) => state.write(key(node), `${JSON.stringify(record, null, 2)}\n`),
    delete: (node) => state.delete(key(node)),
    nodes: async () =>
      (await state.list("hosts/")).map((found) => found.slice("hosts/".length, -".json".length)),
  };
}

/** The keys that a host may present now. */
export function acceptedKeys(record: HostRecord): readonly string[] {
  return record.activated ? record.pinned : [...record.pinned, ...record.oneTime];
}

import { createHash } from "node:crypto";
import type { World } from "../world/world.js";

export interface DnsRecord {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly content: string;
  readonly ttl: number;
  readonly proxied: boolean;
  readonly comment?: string;
  readonly tags: readonly string[];
  readonly settings: Readonly<Record<string, unknown>>;
  readonly priority?: number;
  readonly createdOn: string;
  readonly modifiedOn: string;
}

export interface Zone {
  readonly id: string;
  readonly name: string;
  readonly createdOn: string;
  /** In the order they were made. Replaced as a whole by a batch. */
  records: Map<string, DnsRecord>;
}

export type Permission = "zone:read" | "dns:read" | "dns:edit";

/** A token that the emulated service knows. */
export interface TokenOption {
  readonly value: string;
  /** Default: what the SDK needs, `zone:read` and `dns:edit`. */
  readonly permissions?: readonly Permission[];
  /** Names of the zones it may see; default all. */
  readonly zones?: readonly string[];
  /** Default `active`. */
  readonly status?: "active" | "disabled" | "expired";
}

/** Told when records of a name changed. */
export type ChangeListener = (change: { readonly name: string }) => void;

export interface Store {
  readonly world: World;
  readonly tokens: readonly TokenOption[];
  readonly zones: readonly Zone[];
  readonly listeners: Set<ChangeListener>;
  nextId(): string;
  /** Virtual time as the API writes it. */
  timestamp(): string;
}

export const serviceName = "cloudflare";

/** 32 hexadecimal digits, as all of Cloudflare's ids. */
export const identifier = (seed: string) => createHash("md5").update(seed).digest("hex");

/** A change that one request made. */
export interface Change {
  readonly action: "create" | "update" | "delete";
  readonly record: DnsRecord;
}

/** Puts changed records in force, tells the listeners and records the effects. */
export async function commit(
  store: Store,
  zone: Zone,
  records: Map<string, DnsRecord>,
  changes: readonly Change[],
): Promise<void> {
  zone.records = records;
  for (const name of new Set(changes.map((change) => change.record.name))) {
    for (const listener of [...store.listeners]) listener({ name });
  }
  for (const { action, record } of changes) {
    const name = `${record.name} ${record.type} ${record.content}`;
    await store.world.effects.record({ service: serviceName, kind: "record", action, name });
  }
}

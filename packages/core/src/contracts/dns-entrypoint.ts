import type { CallContext, CheckResult } from "./context.js";
import type { PluginIdentity } from "./spec-version.js";

/** The record as it stands. */
export interface EntrypointRecord {
  /** Fully qualified name, for example `*.apps.example.com`. */
  readonly name: string;
  /** IPv4 and IPv6 addresses, sorted. */
  readonly addresses: readonly string[];
}

/** Keeps one name pointing at live entry addresses. Touches only records with our mark. */
export interface DnsEntrypoint extends PluginIdentity {
  /** Fully qualified name of the record. */
  readonly record: string;
  /** Credentials, zone, and that the name is free or ours. Reads only. */
  check(context: CallContext): Promise<CheckResult>;
  /** Our record; `undefined` when there is none. Reads only. */
  get(context: CallContext): Promise<EntrypointRecord | undefined>;
  /** Makes the name have exactly these addresses (at least one); writes nothing when it has. */
  set(
    context: CallContext,
    addresses: readonly string[],
  ): Promise<{ readonly record: EntrypointRecord; readonly changed: boolean }>;
  /** Removes our record. One that is gone already is fine. */
  remove(context: CallContext): Promise<void>;
}

import type { CallContext, CheckResult, Report } from "./context.js";
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
  /** The half that runs inside the cluster. Without it the record can only be kept from the operator's machine. */
  readonly inCluster?: InClusterEntrypoint;
}

/**
 * What the entrypoint agent needs to keep the same record from inside the cluster. The agent knows no DNS
 * service: it loads this program, whose source travels in a ConfigMap beside its own.
 */
export interface InClusterEntrypoint {
  /** Source of one ES module for Node 20 that imports nothing but Node's own and needs no WebAssembly (so no `fetch`); its export `openRecord` is an {@link OpenRecord}. */
  program(): Promise<string>;
  /** Plain JSON for it, without secrets. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** What it needs of secrets, by name (letters, digits, `-`, `_`, `.`); they become a Kubernetes Secret. Throws `AUTH_FAILED` when one is missing. */
  secrets(): Readonly<Record<string, string>>;
}

/** What {@link OpenRecord} is given. */
export interface OpenRecordContext {
  /** Name of the cluster, for the mark. */
  readonly cluster: string;
  readonly settings: Readonly<Record<string, unknown>>;
  /** A secret as it is now: it may be exchanged while the agent runs, so ask before each use. */
  secret(name: string): Promise<string>;
  readonly send: SendRequest;
  report(report: Report): void;
}

/** One HTTP request; resolves whatever the status, rejects when there is no answer. For small answers. It stands in for `fetch`, which takes 30 MiB at its first use: most of what an agent may have. */
export type SendRequest = (request: {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
}) => Promise<SentAnswer>;

/** What came back. */
export interface SentAnswer {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

/** Our record as the agent keeps it. Each call is tried once: the agent has a patience of its own. */
export interface OpenedRecord {
  /** Addresses of our record, sorted; empty when there is none. */
  get(signal: AbortSignal): Promise<readonly string[]>;
  /** As {@link DnsEntrypoint.set}; false when it wrote nothing. */
  set(addresses: readonly string[], signal: AbortSignal): Promise<boolean>;
}

/** Opens the record. Makes no call yet. */
export type OpenRecord = (context: OpenRecordContext) => OpenedRecord;

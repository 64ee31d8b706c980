import type {
  CallContext,
  CheckResult,
  DnsEntrypoint,
  EntrypointRecord,
  InClusterEntrypoint,
  OpenedRecord,
} from "@multicloud/core/plugin";
import { openNotes } from "../notes.js";
import { asLines } from "../trial.js";
import type { EntrypointHarness, EntrypointSuite } from "./harness.js";
import { type ProgramFile, writeProgram } from "./program.js";
import { sendRequest } from "./send-request.js";

/** Whose call it is and for which record. */
export interface Call {
  /** Default `www`. */
  readonly record?: string;
  /** Default `lab`. */
  readonly cluster?: string;
  /** Default: one that never fires. */
  readonly signal?: AbortSignal;
  /** Default: a new object, as a process of its own makes it. */
  readonly plugin?: DnsEntrypoint;
}

/** One case's zone with what most cases do to it. Remembers everything said. */
export interface EntrypointTrial extends Omit<EntrypointHarness, "secrets" | "writes"> {
  /** The half in the cluster of the record `www`. */
  readonly inCluster?: InClusterEntrypoint | undefined;
  check(call?: Call): Promise<CheckResult>;
  get(call?: Call): Promise<EntrypointRecord | undefined>;
  set(
    addresses: readonly string[],
    call?: Call,
  ): Promise<{ readonly record: EntrypointRecord; readonly changed: boolean }>;
  remove(call?: Call): Promise<void>;
  /** The half in the cluster, loaded and opened as an agent does it. `secrets` stands for the Kubernetes Secret: it may be changed meanwhile. */
  openInCluster(call?: Omit<Call, "signal">, secrets?: Record<string, string>): Promise<OpenedRecord>;
  /** What whoever asks for a record is given, sorted; for a wildcard a name below it. */
  seen(record?: string): Promise<readonly string[]>;
  /** Everything that there is in the zone, one line each. */
  lines(): Promise<readonly string[]>;
  /** Changes that something asked of the service. */
  writesOf(work: () => Promise<unknown>): Promise<number>;
  /** The error of a call that has to fail. */
  errorOf(work: Promise<unknown>): Promise<unknown>;
  /** Forgets how a call ended; its error is still looked at for secrets. */
  settled(work: Promise<unknown>): Promise<void>;
  said(): string;
  secrets(): readonly string[];
}

export async function openTrial(suite: EntrypointSuite): Promise<EntrypointTrial> {
  const harness = await suite.create();
  const notes = openNotes();
  const programs: ProgramFile[] = [];
  const never = new AbortController().signal;

  const pluginOf = ({ plugin, record = "www" }: Call) => plugin ?? harness.entrypoint(record);
  const contextOf = ({ cluster = "lab", signal = never }: Call): CallContext => ({
    cluster,
    signal,
    dialer:
      harness.dialer ??
      (() => Promise.reject(new Error("the harness has no dialer, so nothing can be dialled"))),
    report: notes.add,
  });

  return {
    ...harness,
    secrets: () => harness.secrets,
    inCluster: harness.entrypoint("www").inCluster,
    async check(call = {}) {
      const found = await pluginOf(call).check(contextOf(call));
      notes.add(found);
      return found;
    },
    get: async (call = {}) => pluginOf(call).get(contextOf(call)),
    set: async (addresses, call = {}) => pluginOf(call).set(contextOf(call), addresses),
    remove: async (call = {}) => pluginOf(call).remove(contextOf(call)),
    async openInCluster(call = {}, secrets) {
      const half = pluginOf(call).inCluster!;
      const program = await writeProgram(await half.program());
      programs.push(program);
      const given = secrets ?? { ...half.secrets() };
      const openRecord = await program.load();
      return openRecord({
        cluster: call.cluster ?? "lab",
        // It comes out of a ConfigMap.
        settings: JSON.parse(JSON.stringify(half.settings)),
        secret: async (name) => given[name] ?? Promise.reject(new Error(`there is no secret ${name}`)),
        send: harness.send ?? sendRequest,
        report: notes.add,
      });
    },
    async seen(record = "www") {
      const { record: name } = harness.entrypoint(record);
      return [...(await harness.lookUp(name.replace(/^\*/, "hello")))].sort();
    },
    lines: async () => asLines(await harness.things()),
    async writesOf(work) {
      const before = await harness.writes();
      await work();
      return (await harness.writes()) - before;
    },
    errorOf: notes.errorOf,
    settled: notes.settled,
    said: notes.said,
    async close() {
      await Promise.all(programs.map((program) => program.close()));
      await harness.close();
    },
  };
}

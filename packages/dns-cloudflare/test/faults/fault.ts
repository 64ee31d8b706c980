import type { DnsEntrypoint } from "@multicloud/core/plugin";
import type { EntrypointHarness } from "@multicloud/testing/conformance";

/** What a fault needs to make itself felt. */
export interface FaultLab {
  /** Plugin objects without the fault. */
  readonly entrypoint: EntrypointHarness["entrypoint"];
  /** The record as it was asked for, relative to the zone. */
  readonly record: string;
}

/** Members of a plugin that are wrong. */
export type Faulty = (plugin: DnsEntrypoint, lab: FaultLab) => Partial<DnsEntrypoint>;

/** A fault, the beginning of the name of the case that has to find it, and how to make it. */
export type Fault = readonly [fault: string, finds: string, plugin: Faulty];

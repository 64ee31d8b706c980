import type { ErrorCode } from "../errors/codes.js";
import type { Dialer } from "./dialer.js";

/** Something a plugin says while it works. Reports become events of the run; never put a secret in one. */
export type Report =
  | {
      readonly type: "log";
      readonly level: "debug" | "info" | "warn";
      readonly message: string;
      readonly node?: string;
      /** Where the line came from when it is not the plugin itself, for example `rke`. */
      readonly source?: string;
      /** Part of the work that the line belongs to, for example RKE's `etcd` or `certificates`. */
      readonly stage?: string;
    }
  | {
      /** One finished HTTP request, for counting API calls. `url` has its query cut. */
      readonly type: "request";
      readonly service: string;
      readonly method: string;
      readonly url: string;
      readonly status: number;
      readonly durationMs: number;
    }
  | {
      readonly type: "retry";
      readonly service: string;
      readonly message: string;
      readonly attempt: number;
      readonly delayMs: number;
    };

/** What core hands to every plugin call. */
export interface CallContext {
  /** Name of the cluster: the first part of every mark and of every resource name. */
  readonly cluster: string;
  /** Ends the call. A plugin stops at once, leaves nothing half-known behind, and rejects with the signal's reason. */
  readonly signal: AbortSignal;
  /** Opens TCP connections the way the user asked for (directly, through a proxy, in the sandbox). */
  readonly dialer: Dialer;
  /** Reports progress, requests and warnings. Never throws. */
  report(report: Report): void;
}

/** A call on behalf of one site. */
export interface SiteContext extends CallContext {
  readonly site: string;
}

/** One thing wrong (or doubtful) in the user's configuration or in what a service says of it. */
export interface Problem {
  /** Path of the field from the root of the configuration, for example `sites.home.workers.image`. Plugins give it relative to their own part. */
  readonly path: string;
  /** What is wrong, as a sentence without a final stop. */
  readonly message: string;
  /** What was given, as it should be shown. */
  readonly given?: string;
  /** What is allowed. */
  readonly allowed?: readonly string[];
  /** The nearest allowed value. */
  readonly suggestion?: string;
  /** What to try. */
  readonly hint?: string;
  /** What the error's code is when this is the only problem. Default `CONFIG_INVALID`. */
  readonly code?: ErrorCode;
}

/** What a check before the first effect found. `problems` stop the run, `warnings` are reported. */
export interface CheckResult {
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}
